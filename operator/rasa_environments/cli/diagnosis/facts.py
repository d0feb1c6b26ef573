"""What is known of an installation, and what can be found wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag


class Importance(IntEnum):
    """How much depends on a finding, the most important first."""

    NOTHING_WORKS = 1
    """No resource is reconciled."""
    UNPROTECTED = 2
    """Somebody can do what should need a permission."""
    SERVER = 3
    """Everything on a model server is affected."""
    TAG = 4
    ENVIRONMENT = 5
    UNKNOWN = 6
    """Nobody knows whether it is well."""
    ADVICE = 7
    """Nothing is wrong, but may become so; the exit code does not count it."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that is wrong."""

    importance: Importance
    problem: str
    """What is wrong, why, and how to fix it."""
    subjects: tuple[str, ...] = ()
    """The objects that have this problem."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease of an operator."""

    key: ObjectKey
    holder: str
    renewed: bool
    """Whether it was seen to be renewed."""
    renewed_at: str


@dataclass(frozen=True, slots=True)
class Operator:
    """A Deployment of the operator."""

    key: ObjectKey
    image: str
    available: bool
    limited: bool
    """Whether it manages some namespaces only."""
    elects: bool
    """Whether it works only while holding a Lease; a single replica by default works without."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The admission policies of one kind."""

    expected: frozenset[str]
    existing: frozenset[str]
    denying: frozenset[str]
    """Those that a binding enforces."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What could be read; None is unknown, and said in `unread`."""

    now: datetime
    definitions: Mapping[str, JsonObject | None] | None = None
    """The CRDs as installed, by name; None for one that does not exist."""
    expected_definitions: Mapping[str, JsonObject] = field(default_factory=dict)
    """The CRDs of this version."""
    leases: tuple[Lease, ...] | None = None
    operators: tuple[Operator, ...] | None = None
    policies: Policies | None = None
    environments: tuple[DeploymentEnvironment, ...] = ()
    tags: tuple[ModelTag, ...] = ()
    servers: tuple[ModelServer, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Objects of our kinds that this version cannot read, and why."""
    pod_monitors: int | None = None
    """Number of PodMonitors and ServiceMonitors for the operator; None without Prometheus Operator, or if unknown."""
    unread: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def resources(self) -> Iterator[AnyResource]:
        """All objects of our kinds."""
        yield from self.servers
        yield from self.tags
        yield from self.environments
