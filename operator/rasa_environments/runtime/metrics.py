"""Metrics for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from rasa_environments.cluster.events import Written
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.promotions import Promotions
from rasa_environments.controller.queue import Request, Result, WorkQueue
from rasa_environments.domain.lister import Lister
from rasa_environments.runtime.object_metrics import AnswerMetrics, ObjectMetrics, PromotionMetrics
from rasa_environments.runtime.watches import Watches

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics: reconciliations with result and duration, and the state of all objects at each scrape."""

    def __init__(
        self,
        lister: Lister,
        queue: WorkQueue,
        watches: Watches,
        promotions: Promotions,
        answer_times: AnswerTimes,
    ) -> None:
        self._queue, self._watches = queue, watches
        self._registry = registry = CollectorRegistry(auto_describe=True)
        self._passes = Counter(
            "rasa_environments_reconcile_total", "Reconciliations", ["kind", "result"], registry=registry
        )
        self._seconds = Histogram(
            "rasa_environments_reconcile_seconds",
            "Duration of reconciliations",
            ["kind"],
            registry=registry,
            buckets=BUCKETS,
        )
        self._waiting = Gauge("rasa_environments_queue_length", "Objects that wait to be reconciled", registry=registry)
        self._oldest = Gauge(
            "rasa_environments_queue_oldest_age_seconds",
            "Seconds that the first object in the queue has waited",
            registry=registry,
        )
        self._contact = Gauge(
            "rasa_environments_watch_age_seconds",
            "Seconds since the last contact of a watch",
            ["kind"],
            registry=registry,
        )
        self._tasks = Gauge("rasa_environments_tasks", "Tasks of the event loop", registry=registry)
        self._others = Counter(
            "rasa_environments_status_writes_by_others_total",
            "Status writes by another operator that were noticed",
            registry=registry,
        )
        self._events = Counter("rasa_environments_events_total", "Kubernetes Events", ["result"], registry=registry)
        for result in Written:
            self._events.labels(result.value)
        ProcessCollector(registry=registry)
        registry.register(ObjectMetrics(lister))
        registry.register(AnswerMetrics(lister, answer_times))
        registry.register(PromotionMetrics(promotions))

    def passed(self, request: Request, result: Result | None, started: float, *, timed_out: bool = False) -> None:
        """Count a reconciliation that began at `started` (time.perf_counter); without a result it failed."""
        outcome = "timeout" if timed_out else "error" if result is None else "retry" if result.failed else "done"
        self._passes.labels(request.kind, outcome).inc()
        self._seconds.labels(request.kind).observe(perf_counter() - started)

    def met_another_operator(self) -> None:
        """Count a status write by another operator."""
        self._others.inc()

    def event(self, result: Written) -> None:
        """Count a Kubernetes Event, or a repetition in its series, by its result."""
        self._events.labels(result.value).inc()

    def sample(self) -> None:
        """Sample what can be read in the event loop only."""
        self._tasks.set(len(asyncio.all_tasks()))
        self._waiting.set(len(self._queue))
        self._oldest.set(self._queue.oldest_wait())
        for kind, age in self._watches.ages().items():
            self._contact.labels(kind).set(age)

    def text(self, names: Collection[str] = ()) -> bytes:
        """Return all metrics in the text format of Prometheus, or those with these names.

        May be called in another thread.
        """
        return generate_latest(self._registry.restricted_registry(names) if names else self._registry)
