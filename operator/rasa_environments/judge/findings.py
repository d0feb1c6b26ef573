"""What a pass found out: the facts that verdicts are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason, Truth


@dataclass(frozen=True)
class Problem:
    """What keeps an object from being as it is wanted."""

    reason: Reason
    message: str
    stalled: bool = True
    """Whether a person has to act; else the operator goes on trying by itself."""


@dataclass(frozen=True)
class TaggedModel:
    """A model and its hash, as the model server lists them."""

    name: str
    hash: str
    trained_at: float | None = field(default=None, compare=False)
    """Seconds since 1970: all that Rasa 1.x and 2.x tell of the model that they serve."""
    version: str | None = field(default=None, compare=False)
    """Version of Rasa that it was trained with."""
    compatible: bool = field(default=True, compare=False)
    """Whether the server lets it carry a tag: False where production's version cannot load it."""


@dataclass(frozen=True)
class ServerObservation:
    """What the last listing of a model server said."""

    models: Mapping[str, TaggedModel] = field(default_factory=dict)
    """Model name to model."""
    tags: Mapping[str, TaggedModel] = field(default_factory=dict)
    """Tag to the model that carries it: the last known, where `problem` says that the server cannot be asked."""
    version: str | None = None
    known: bool = False
    """Whether a listing ever succeeded since the operator started."""
    lists: bool = True
    """Whether the server lists its models; one that only answers pulls is asked for each tag."""
    problem: Problem | None = None
    """Why it cannot be asked."""
    write_problem: Problem | None = None
    """Why it refuses the credentials that write: what carries a tag is known all the same."""


@dataclass(frozen=True)
class PodFacts:
    """What matters of a pod."""

    name: str
    address: str | None
    ready: bool
    waiting: str | None = None
    """Why a container does not run, where that is a fault: CrashLoopBackOff, ImagePullBackOff ..."""


@dataclass(frozen=True)
class ServedFact:
    """What one Rasa server answered when it was asked which model it serves."""

    server: str
    """Which one, in words: pod support-rasa-0."""
    model: str | None = None
    problem: str | None = None
    """Why it is not known what it serves."""
    reason: Reason = Reason.PODS_NOT_REACHABLE
    """The reason of the problem."""


@dataclass(frozen=True)
class RegistrationFact:
    """What came of registering an environment with its model server."""

    truth: Truth
    reason: Reason
    message: str


@dataclass(frozen=True)
class DeploymentFacts:
    """What matters of a Deployment."""

    wanted: int
    replicas: int
    updated: int
    available: int
    current: bool
    """Whether its controller has seen the latest spec."""
    failure: str | None
    """The message of a failed rollout."""

    @property
    def settled(self) -> bool:
        """Whether all pods are of the latest template and available, and no others are left."""
        return (
            self.current
            and self.updated >= self.wanted
            and self.available >= self.wanted
            and self.replicas <= self.wanted
        )

    @property
    def available_at_generation(self) -> bool:
        """Whether as many pods as wanted are available."""
        return self.settled or (self.current and self.wanted == 0)


@dataclass(frozen=True)
class Follower:
    """An environment that pulls a tag, as a ModelTag sees it."""

    key: ObjectKey
    wanted: str | None
    served: str | None
    served_truth: str
    served_message: str
    ready: bool


WAITING_FAULTS = frozenset(
    {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError",
     "CreateContainerError", "RunContainerError"}
)  # fmt: skip


def deployment_facts(deployment: JsonObject) -> DeploymentFacts:
    """What matters of a Deployment object."""
    status = deployment.get("status") or {}
    conditions = {entry["type"]: entry for entry in status.get("conditions") or ()}
    failure = None
    progressing, replica_failure = conditions.get("Progressing"), conditions.get("ReplicaFailure")
    if replica_failure is not None and replica_failure["status"] == "True":
        failure = replica_failure.get("message")
    elif progressing is not None and progressing["status"] == "False":
        failure = progressing.get("message")
    return DeploymentFacts(
        wanted=deployment["spec"].get("replicas", 1),
        replicas=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        current=status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0),
        failure=failure,
    )


def pod_facts(pod: JsonObject) -> PodFacts:
    """What matters of a Pod object."""
    status = pod.get("status") or {}
    ready = any(entry["type"] == "Ready" and entry["status"] == "True" for entry in status.get("conditions") or ())
    reasons = (
        ((container.get("state") or {}).get("waiting") or {}).get("reason")
        for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    )
    return PodFacts(
        name=pod["metadata"]["name"],
        address=status.get("podIP"),
        ready=ready and not pod["metadata"].get("deletionTimestamp"),
        waiting=next((reason for reason in reasons if reason in WAITING_FAULTS), None),
    )
