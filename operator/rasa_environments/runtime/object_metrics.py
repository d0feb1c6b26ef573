"""Metrics of objects, computed at each scrape, so that those of a deleted object disappear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from rasa_environments.api.conditions import ConditionType
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.promotions import Promotions
from rasa_environments.domain.lister import Lister
from rasa_environments.judge.conditions import condition_of

LONGEST_LABEL: Final = 256
"""Characters of a label's value: model names come from foreign servers."""
_TRUTH: Final = {"True": 1.0, "False": 0.0, "Unknown": -1.0}


class ObjectMetrics(Collector):
    """Conditions of all objects, and the models of environments."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a series for each condition of each object, and for the models of each environment."""
        yield self._conditions()
        yield self._models()
        yield self._served_since()
        yield self._licenses()
        yield self._waiting()

    def _conditions(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "rasa_environments_condition",
            "Conditions: 1 is True, 0 is False, -1 is Unknown",
            labels=["kind", "namespace", "name", "condition"],
        )
        for resource in (*self._lister.servers, *self._lister.environments, *self._lister.tags):
            kind, key = type(resource).__name__, resource.metadata.key
            for found in resource.status.conditions or ():
                family.add_metric([kind, key.namespace, key.name, found.type], _TRUTH[found.status])
        return family

    def _models(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "rasa_environments_model_info",
            "Always 1: the desired model of an environment, and the models that its Rasa servers report",
            labels=["namespace", "name", "environment", "tag", "desired", "served"],
        )
        for environment in self._lister.environments:
            key = environment.metadata.key
            family.add_metric([key.namespace, key.name, *map(label, models_of(environment))], 1)
        return family

    def _served_since(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "rasa_environments_model_served_since_timestamp_seconds",
            "Time when an environment began to serve the desired model",
            labels=["namespace", "name"],
        )
        for environment in self._lister.environments:
            served = condition_of(environment.status.conditions, ConditionType.MODEL_SERVED)
            since = _seconds(served.last_transition_time) if served is not None and served.status == "True" else None
            if since is not None:
                family.add_metric([environment.metadata.namespace, environment.metadata.name], since)
        return family

    def _licenses(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "rasa_environments_license_expiry_timestamp_seconds",
            "When the licence of an environment of Rasa Pro expires, as its Rasa server said",
            labels=["namespace", "name"],
        )
        for environment in self._lister.environments:
            expires = _seconds(environment.status.license_expiry_time or "")
            if expires is not None:
                family.add_metric([environment.metadata.namespace, environment.metadata.name], expires)
        return family

    def _waiting(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "rasa_environments_promotion_waiting",
            "Always 1: a model that is to have a tag next, and why it waits",
            labels=["namespace", "name", "model", "reason"],
        )
        for tag in self._lister.tags:
            candidate, key = tag.status.candidate_model, tag.metadata.key
            promoted = condition_of(tag.status.conditions, ConditionType.PROMOTED)
            if candidate is not None and promoted is not None:
                family.add_metric([key.namespace, key.name, label(candidate.name), promoted.reason], 1)
        return family


class AnswerMetrics(Collector):
    """Ages of the last answers of Rasa servers."""

    def __init__(self, lister: Lister, times: AnswerTimes) -> None:
        self._lister = lister
        self._times = times

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a series for each environment that has answered since the process started."""
        family = GaugeMetricFamily(
            "rasa_environments_served_answer_age_seconds",
            "Age of the latest answers from all Rasa servers of an environment",
            labels=["namespace", "name"],
        )
        for key, age in self._times.ages().items():
            if self._lister.environments.get(key) is not None:
                family.add_metric([key.namespace, key.name], age)
        yield family


class PromotionMetrics(Collector):
    """Results of promotions."""

    def __init__(self, promotions: Promotions) -> None:
        self._promotions = promotions

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the counters, including those that are 0."""
        results = CounterMetricFamily(
            "rasa_environments_promotions", "Tags moved for a ModelTag, and promotions that failed", labels=["result"]
        )
        for result, count in self._promotions.results.items():
            results.add_metric([result], count)
        yield results
        yield CounterMetricFamily(
            "rasa_environments_tag_drift",
            "Tags that somebody moved or removed, and that were restored",
            value=self._promotions.drift,
        )


def models_of(environment: DeploymentEnvironment) -> tuple[str, str, str, str]:
    """Return the environment's name at the model server, its tag, the desired model and the served ones.

    Each may be empty.
    """
    status = environment.status
    desired = status.desired_model.name if status.desired_model is not None else ""
    return environment.environment, environment.tag, desired, ",".join(each.name for each in status.served_models or ())


def label(value: str) -> str:
    """Return the value of a label: of bounded length, and encodable in UTF-8."""
    cut = value if len(value) <= LONGEST_LABEL else f"{value[: LONGEST_LABEL - 1]}…"
    return cut.encode(errors="replace").decode()


def _seconds(time: str) -> float | None:
    """Return the time in seconds since 1970; None if it is invalid."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError):
        return None
