"""The content of `status NAME`: one environment in depth, without formatting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import Condition
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.shapes import mapping
from rasa_environments.cli.overview import (
    EnvironmentRow,
    Overview,
    ServerRow,
    TagRow,
    environment_row,
    server_row,
    tag_row,
)
from rasa_environments.cli.pod_models import PodModel, pod_models
from rasa_environments.domain.facts import pod_facts

MAXIMUM_PODS: Final = 20
MAXIMUM_EVENTS: Final = 10
MAXIMUM_TEXT: Final = 1000
"""Characters of a message or note that are shown."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model, and the number of pods whose last answer named it."""

    model: str
    pods: int


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the environment."""

    name: str
    ready: bool
    restarts: int
    state: str
    """What it is doing, and why, in the words of the kubelet."""
    created: str
    served: PodModel | None
    """What it serves; None if it is not asked, since it has not been ready yet or runs another server than Rasa."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An Event, at the last time that it occurred."""

    time: str
    type: str
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class Detail:
    """An environment, what it depends on, and what happened to it."""

    environment: EnvironmentRow
    tag: TagRow | None
    """The ModelTag that owns its tag."""
    server: ServerRow | None
    conditions: tuple[Condition, ...]
    served: tuple[Served, ...]
    pods: tuple[Pod, ...]
    further_pods: int
    """Number of pods that are left out."""
    events: tuple[Happened, ...]
    """The latest first."""
    unread: tuple[str, ...]
    """What could not be read, and why."""

    @property
    def overview(self) -> Overview:
        """The objects on which the verdict depends."""
        tags = () if self.tag is None else (self.tag,)
        return Overview((self.environment,), tags, () if self.server is None else (self.server,))


def detail(
    environment: DeploymentEnvironment,
    tag: ModelTag | None,
    server: ModelServer | None,
    *,
    pods: Sequence[JsonObject],
    events: Iterable[JsonObject],
    unread: Sequence[str],
) -> Detail:
    """Return what there is to say of an environment."""
    status = environment.status
    happened = sorted((event_of(each) for each in events), key=lambda each: each.time, reverse=True)
    served = pod_models(environment, [pod_facts(each) for each in pods])
    found = sorted((pod_of(each, served) for each in pods), key=_troubled_first)
    return Detail(
        environment=environment_row(environment),
        tag=None if tag is None else tag_row(tag),
        server=None if server is None else server_row(server),
        conditions=tuple(status.conditions or ()),
        served=tuple(Served(model.name, model.replicas) for model in status.served_models or ()),
        pods=tuple(found[:MAXIMUM_PODS]),
        further_pods=max(0, len(found) - MAXIMUM_PODS),
        events=tuple(happened[:MAXIMUM_EVENTS]),
        unread=tuple(unread),
    )


def _troubled_first(pod: Pod) -> tuple[bool, bool, str]:
    return pod.ready, pod.served is None or pod.served.serves_wanted == "True", pod.name


def pod_of(obj: JsonObject, served: Mapping[str, PodModel]) -> Pod:
    """Return what a pod is doing; `served` is what pods serve, by name."""
    status, metadata = mapping(obj.get("status")), obj["metadata"]
    conditions = [mapping(each) for each in status.get("conditions") or ()]
    containers = [mapping(each) for each in status.get("containerStatuses") or ()]
    return Pod(
        name=metadata["name"],
        ready=any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions),
        restarts=sum(int(each.get("restartCount") or 0) for each in containers),
        state="Terminating" if metadata.get("deletionTimestamp") else _state(status, conditions, containers),
        created=str(metadata.get("creationTimestamp") or ""),
        served=served.get(metadata["name"]),
    )


def _state(
    status: Mapping[str, object],
    conditions: Sequence[Mapping[str, object]],
    containers: Sequence[Mapping[str, object]],
) -> str:
    """Return the phase, or why a container waits or the pod is not scheduled."""
    for container in containers:
        for state in ("waiting", "terminated"):
            stopped = mapping(mapping(container.get("state")).get(state))
            if stopped:
                said = ": ".join(str(stopped[key]) for key in ("reason", "message") if stopped.get(key))
                return shortened(f"{container.get('name')}: {said or state}")
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return shortened(f"{condition.get('reason')}: {condition.get('message')}")
    return shortened(str(status.get("phase") or "Unknown"))


def event_of(obj: JsonObject) -> Happened:
    """Return an Event (events.k8s.io/v1), with the time of its last occurrence."""
    series = mapping(obj.get("series"))
    times = (series.get("lastObservedTime"), obj.get("eventTime"), obj.get("deprecatedLastTimestamp"))
    return Happened(
        time=next((str(time) for time in times if time), str(obj["metadata"].get("creationTimestamp") or "")),
        type=str(obj.get("type") or "-"),
        reason=str(obj.get("reason") or "-"),
        note=shortened(str(obj.get("note") or "")),
    )


def shortened(text: str) -> str:
    """Return the text, cut where it is longer than anybody reads."""
    return text if len(text) <= MAXIMUM_TEXT else f"{text[: MAXIMUM_TEXT - 1]}…"
