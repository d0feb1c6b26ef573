"""Metrics for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rasa_environments.reconcile.directory import Directory
from rasa_environments.reconcile.queue import Request, Result, WorkQueue

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted: passes with their result and duration, and the state of all objects when it is asked for."""

    def __init__(self, directory: Directory, queue: WorkQueue) -> None:
        self._registry = CollectorRegistry()
        self._passes = Counter(
            "rasa_environments_reconcile_total", "Passes over objects", ["kind", "result"], registry=self._registry
        )
        self._seconds = Histogram(
            "rasa_environments_reconcile_seconds",
            "Duration of passes",
            ["kind"],
            registry=self._registry,
            buckets=BUCKETS,
        )
        waiting = Gauge("rasa_environments_queue_length", "Objects that wait for a pass", registry=self._registry)
        waiting.set_function(lambda: len(queue))
        self._tasks = Gauge("rasa_environments_tasks", "Tasks of the event loop", registry=self._registry)
        self._others = Counter(
            "rasa_environments_status_writes_by_others_total",
            "Times that another operator was met, which had written the status of an object",
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Objects(directory))

    def passed(self, request: Request, result: Result | None, started: float, *, timed_out: bool = False) -> None:
        """A pass has ended that started at `started` (time.perf_counter); without a result it broke down."""
        outcome = "timeout" if timed_out else "error" if result is None else "retry" if result.failed else "done"
        self._passes.labels(request.kind, outcome).inc()
        self._seconds.labels(request.kind).observe(perf_counter() - started)

    def met_another_operator(self) -> None:
        """Another operator has written the status of an object."""
        self._others.inc()

    def count_tasks(self) -> None:
        """Counts the tasks of the event loop that this is called in."""
        self._tasks.set(len(asyncio.all_tasks()))

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus; may be called in another thread."""
        return generate_latest(self._registry)


class _Objects(Collector):
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One line for each object and condition: 1 True, 0 False, -1 Unknown."""
        family = GaugeMetricFamily(
            "rasa_environments_condition",
            "Conditions: 1 is True, 0 is False, -1 is Unknown",
            labels=["kind", "namespace", "name", "condition"],
        )
        values = {"True": 1.0, "False": 0.0, "Unknown": -1.0}
        for resource in (*self._directory.servers, *self._directory.environments, *self._directory.tags):
            key = resource.metadata.key
            for found in resource.status.conditions or ():
                family.add_metric([type(resource).__name__, key.namespace, key.name, found.type], values[found.status])
        yield family
