"""The facts that verdicts are based on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import ConditionStatus, Reason
from rasa_environments.api.shapes import mapping, mappings, number, text
from rasa_environments.desired.context import (
    MODEL_HASH_ANNOTATION,
    NAME_LABEL,
    NAME_OF_ACTION_SERVERS,
    NAME_OF_CANDIDATES,
)
from rasa_environments.desired.deployment import CONTAINER


@dataclass(frozen=True)
class Problem:
    """Why an object is not in its desired state."""

    reason: Reason
    message: str
    stalled: bool = True
    """Whether somebody has to act; otherwise the operator keeps retrying."""
    field: str = ""
    """Field of the spec that it is about, if a condition of its own tells of that field."""


@dataclass(frozen=True, slots=True)
class TaggedModel:
    """A model and its hash, as the model server lists them."""

    name: str
    hash: str
    trained_at: float | None = field(default=None, compare=False)
    """Seconds since 1970: all that Rasa 1.x and 2.x report about the model that they serve."""
    version: str | None = field(default=None, compare=False)
    """Version of Rasa that it was trained with."""
    compatible: bool = field(default=True, compare=False)
    """Whether the server accepts a tag on it: False if production's version cannot load it."""
    model_id: str | None = field(default=None, compare=False)
    """The id from its training, which Rasa 3 reports about the model that it serves; listed, or read from the file."""
    unidentified: str | None = field(default=None, compare=False)
    """Why the id could not be read from the model file."""
    uploaded_at: float | None = field(default=None, compare=False)
    """Seconds since 1970; None if the server does not say when it got the model."""

    @property
    def named(self) -> bool:
        """Whether the server names it; a plain file server does not, and the hash stands in for the name."""
        return self.name != self.hash


@dataclass(frozen=True)
class ServerObservation:
    """The result of the last listing of a model server."""

    models: Mapping[str, TaggedModel] = field(default_factory=dict)
    """Models by name."""
    tags: Mapping[str, TaggedModel] = field(default_factory=dict)
    """Tagged models by tag: the last known ones if `problem` says why the server cannot be asked."""
    version: str | None = None
    known: bool = False
    """Whether a listing has succeeded since the operator started."""
    lists: bool = True
    """Whether the server lists its models; one that only supports pulls is asked for each tag."""
    tag_problems: Mapping[str, Problem] = field(default_factory=dict)
    """Tags that were queried individually and whose model is unknown, with the reason."""
    problem: Problem | None = None
    """Why the server cannot be asked."""
    write_problem: Problem | None = None
    """Why the server rejects the write credentials; which models have which tags is known nevertheless."""


@dataclass(frozen=True)
class PodFacts:
    """The facts about a pod."""

    name: str
    address: str | None
    ready: bool
    lost_readiness: bool = False
    """Whether it was ready since its Rasa server started, but is not ready now."""
    terminating: bool = False
    finished: bool = False
    """Whether its containers have terminated for good, as those of an evicted pod."""
    model_hash: str | None = None
    """Hash of the model that it was started for, with updateStrategy RollingUpdate."""
    of_action_server: bool = False
    """Whether it runs the environment's action server rather than its Rasa server."""
    of_candidate: bool = False
    """Whether it runs the environment's candidate rather than its Rasa server."""
    waiting: str | None = None
    """Why a container does not start, if that is an error: CrashLoopBackOff, ImagePullBackOff ..."""


@dataclass(frozen=True)
class ProbeResult:
    """The model that a Rasa server serves, by its last answer."""

    server: str
    """Name of the server for messages: pod support-rasa-0."""
    model: str | None = None
    model_id: str | None = field(default=None, compare=False)
    """The id from the model's training, which Rasa 3 reports."""
    problem: str | None = None
    """Why it did not answer when last asked; None if it did."""
    reason: Reason = Reason.PODS_UNREACHABLE
    """The reason of the problem."""
    answered_time: str | None = None
    """With a problem: when it last answered with `model` (RFC 3339); None if never, or too long ago to count."""

    @property
    def known(self) -> bool:
        """Whether there is an answer that counts."""
        return self.problem is None or self.answered_time is not None

    @property
    def serves_one(self) -> bool:
        """Whether it serves a model by that answer, whatever its name."""
        return self.model is not None or self.model_id is not None


@dataclass(frozen=True)
class LicenseFact:
    """What is known of the licence of an environment of Rasa Pro."""

    now: datetime
    """When it was looked at."""
    expires: datetime | None = None
    """When it expires, by the last answer of a Rasa server."""
    problem: str | None = None
    """Why the Rasa server did not say when it was last asked."""


@dataclass(frozen=True)
class RegistrationResult:
    """The result of registering an environment with its model server."""

    status: ConditionStatus
    reason: Reason
    message: str


@dataclass(frozen=True)
class DeploymentFacts:
    """The facts about a Deployment."""

    wanted: int
    replicas: int
    updated: int
    available: int
    current: bool
    """Whether its controller has observed the latest spec."""
    failure: str | None
    """The message of a failed rollout."""

    @property
    def settled(self) -> bool:
        """Whether all pods have the latest template and are available, and no others are left."""
        return (
            self.current
            and self.updated >= self.wanted
            and self.available >= self.wanted
            and self.replicas <= self.wanted
        )

    @property
    def available_at_generation(self) -> bool:
        """Whether as many pods as desired are available."""
        return self.settled or (self.current and self.wanted == 0)


@dataclass(frozen=True)
class ActionServerFacts:
    """The facts about the action server next to an environment."""

    child: ObjectKey
    image: str
    """The desired image."""
    deployment: DeploymentFacts | None = None
    pods: tuple[PodFacts, ...] = ()

    @property
    def is_available(self) -> bool:
        """Whether all of its pods have the latest template and are available."""
        return self.deployment is not None and self.deployment.settled and self.deployment.wanted > 0


@dataclass(frozen=True)
class Follower:
    """An environment that pulls a tag, from the perspective of the ModelTag."""

    key: ObjectKey
    desired: TaggedModel | None
    """The model that it desires, by its status."""
    served: ConditionStatus
    """Whether all of its pods serve that model."""
    served_reason: Reason
    served_message: str
    ready: ConditionStatus
    served_since: str = ""
    """When the condition that says so last changed (RFC 3339, UTC); empty if never."""


WAITING_FAULTS = frozenset(
    {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError",
     "CreateContainerError", "RunContainerError"}
)  # fmt: skip


LONGEST_FAILURE = 1000
"""Characters of the message of a failed rollout before truncation."""


def deployment_facts(deployment: JsonObject) -> DeploymentFacts:
    """Return the facts about a Deployment."""
    metadata, spec, status = (mapping(deployment.get(field)) for field in ("metadata", "spec", "status"))
    conditions = {text(entry.get("type")): entry for entry in mappings(status.get("conditions"))}
    progressing, replica_failure = conditions.get("Progressing", {}), conditions.get("ReplicaFailure", {})
    failure = None
    if replica_failure.get("status") == "True":
        failure = text(replica_failure.get("message"))
    elif progressing.get("status") == "False":
        failure = text(progressing.get("message"))
    return DeploymentFacts(
        wanted=number(spec.get("replicas"), 1),
        replicas=number(status.get("replicas")),
        updated=number(status.get("updatedReplicas")),
        available=number(status.get("availableReplicas")),
        current=number(status.get("observedGeneration")) >= number(metadata.get("generation")),
        failure=failure and failure[:LONGEST_FAILURE],
    )


def rolled_out_model(deployment: JsonObject) -> str | None:
    """Return the hash of the model that a Deployment's pods were last rolled out for, None if for no model."""
    template = mapping(mapping(deployment.get("spec")).get("template"))
    return text(mapping(mapping(template.get("metadata")).get("annotations")).get(MODEL_HASH_ANNOTATION))


def pod_facts(pod: JsonObject) -> PodFacts:
    """Return the facts about a Pod."""
    metadata, status = mapping(pod.get("metadata")), mapping(pod.get("status"))
    terminating = bool(metadata.get("deletionTimestamp"))
    conditions = mappings(status.get("conditions"))
    readiness: Mapping[str, Any] = next((entry for entry in conditions if entry.get("type") == "Ready"), {})
    containers = (*mappings(status.get("initContainerStatuses")), *mappings(status.get("containerStatuses")))
    reasons = (text(mapping(mapping(each.get("state")).get("waiting")).get("reason")) for each in containers)
    return PodFacts(
        name=text(metadata.get("name")) or "",
        address=text(status.get("podIP")),
        ready=readiness.get("status") == "True" and not terminating,
        lost_readiness=not terminating and _lost_readiness(status, readiness),
        terminating=terminating,
        finished=status.get("phase") in ("Succeeded", "Failed"),
        model_hash=text(mapping(metadata.get("annotations")).get(MODEL_HASH_ANNOTATION)),
        of_action_server=text(mapping(metadata.get("labels")).get(NAME_LABEL)) == NAME_OF_ACTION_SERVERS,
        of_candidate=text(mapping(metadata.get("labels")).get(NAME_LABEL)) == NAME_OF_CANDIDATES,
        waiting=next((reason for reason in reasons if reason in WAITING_FAULTS), None),
    )


def _lost_readiness(status: Mapping[str, Any], readiness: Mapping[str, Any]) -> bool:
    """Return whether the condition Ready became False after the Rasa server's container had started.

    For a pod that was never ready, the condition is as old as the pod; and a container restarts only after its pod has
    become unready. Times of Kubernetes (RFC 3339, UTC, whole seconds) compare as text.
    """
    containers = mappings(status.get("containerStatuses"))
    server: Mapping[str, Any] = next((each for each in containers if each.get("name") == CONTAINER), {})
    started = text(mapping(mapping(server.get("state")).get("running")).get("startedAt"))
    changed = text(readiness.get("lastTransitionTime"))
    return readiness.get("status") == "False" and started is not None and changed is not None and changed > started
