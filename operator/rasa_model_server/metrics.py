"""Metrics for Prometheus."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "rasa_model_server_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "rasa_model_server_request_seconds",
            "Time from the start of a request to the end of its answer.",
            ("method", "route"),
            buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300),
            registry=self._registry,
        )
        self._received = Counter(
            "rasa_model_server_received_bytes", "Bytes of request bodies.", ("route",), registry=self._registry
        )
        self._sent = Counter(
            "rasa_model_server_sent_bytes", "Bytes of answers' bodies.", ("route",), registry=self._registry
        )
        self._models = Gauge("rasa_model_server_models", "Models in the store.", registry=self._registry)
        self._tags = Gauge("rasa_model_server_tags", "Tags that are on a model.", registry=self._registry)

    def count_request(self, method: str, route: str, status: int, *, seconds: float, received: int, sent: int) -> None:
        """Count a request that was answered. `route` is the template of its path, not the path."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        self._received.labels(route).inc(received)
        self._sent.labels(route).inc(sent)

    def count_catalogue(self, models: int | None, tags: int | None) -> None:
        """Set how many models and tags there are. None means unknown, and is shown as NaN."""
        self._models.set(math.nan if models is None else models)
        self._tags.set(math.nan if tags is None else tags)

    def exposition(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
