"""Detection of pods that have lost their model, and the choice of one to restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.domain.facts import PodFacts, ProbeResult, TaggedModel
from rasa_environments.judge.comparison import proves_another, serves
from rasa_environments.judge.conditions import condition_of


@dataclass(frozen=True)
class ServingRecord:
    """What an environment's pods have served since this model became the desired one."""

    wanted: TaggedModel
    served_by: frozenset[str] = frozenset()
    """Pods that have served it."""
    serving: frozenset[str] = frozenset()
    """Pods that serve it by their last answer."""
    silent: frozenset[str] = frozenset()
    """Pods whose current model is unknown."""
    lost_since: Mapping[str, float] = field(default_factory=dict)
    """Pods that have lost it, and when that was first noticed (seconds of a monotonic clock)."""


def pods_to_ask(pods: Sequence[PodFacts]) -> tuple[PodFacts, ...]:
    """Return the pods to ask for their model: those that are ready, and those that were."""
    return tuple(pod for pod in pods if pod.ready or pod.lost_readiness)


def remembered(
    environment: DeploymentEnvironment, wanted: TaggedModel, pods: Sequence[PodFacts]
) -> ServingRecord | None:
    """Return the record of a time before this process from the status: whether the pods had the model still desired."""
    desired = environment.status.desired_model
    served = condition_of(environment.status.conditions, ConditionType.MODEL_SERVED)
    if desired is None or served is None or (desired.name, desired.hash) != (wanted.name, wanted.hash):
        return None
    if served.reason not in (Reason.SERVED, Reason.MODEL_LOST):
        return None
    return ServingRecord(wanted, served_by=frozenset(pod.name for pod in pods))


def observe(
    record: ServingRecord | None,
    wanted: TaggedModel,
    pods: Sequence[PodFacts],
    answers: Mapping[str, ProbeResult],
    now: float,
) -> ServingRecord:
    """Return the record updated with answers by pod name; it is reset if another model is desired.

    A pod that has not served the desired model yet is about to pull it, or cannot load it: a restart would not help,
    and might take away the model that it still serves. A pod that was ready since its server started had a model. A
    missing answer proves nothing.
    """
    if record is None or record.wanted != wanted:
        record = ServingRecord(wanted)
    there = {pod.name: pod for pod in pods if not pod.terminating}
    serving = {name for name, result in answers.items() if result.problem is None and serves(result, wanted) == "True"}
    other = {name for name, result in answers.items() if proves_another(result, wanted)}
    silent = there.keys() - serving - other
    served_by = (record.served_by | serving) & there.keys()
    without = other & there.keys()
    empty = {name for name in without if answers[name].problem is None and not answers[name].serves_one}
    had_one = {name for name in empty if there[name].lost_readiness}
    lost = (without & (served_by | had_one)) | (silent & record.lost_since.keys())
    return ServingRecord(
        wanted,
        frozenset(served_by),
        frozenset(serving & there.keys()),
        frozenset(silent),
        {name: record.lost_since.get(name, now) for name in lost},
    )


def to_restart(record: ServingRecord, pods: Sequence[PodFacts], now: float, patience: float) -> str | None:
    """Return the pod to restart: one that lost its model at least `patience` seconds ago, or None.

    None while any other pod does not serve the desired model: pods are restarted one at a time, and not at all if a new
    one does not get the model either.
    """
    lost = {name: since for name, since in record.lost_since.items() if name not in record.silent}
    due = sorted(name for name, since in lost.items() if now - since >= patience)
    others = [pod for pod in pods if not pod.finished and pod.name not in record.lost_since]
    return due[0] if due and all(pod.ready and pod.name in record.serving for pod in others) else None
