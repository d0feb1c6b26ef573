"""The content of `status`: one row for each environment, model tag and model server, without formatting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.cli.partial import PartialEnvironment, PartialServer, PartialTag
from rasa_environments.judge.conditions import condition_of

if TYPE_CHECKING:  # the kinds are given by those who have read them whole
    from rasa_environments.api.deployment_environment import DeploymentEnvironment
    from rasa_environments.api.model_server import ModelServer
    from rasa_environments.api.model_tag import ModelTag

Environment: TypeAlias = "DeploymentEnvironment | PartialEnvironment"
Tag: TypeAlias = "ModelTag | PartialTag"
Server: TypeAlias = "ModelServer | PartialServer"

FORGETFUL: Mapping[str, str] = {
    Reason.IN_MEMORY: "in memory",
    Reason.NOT_SHARED: "not shared",
    Reason.NO_LOCK_STORE: "no lock store",
}
"""How conversations are stored, by the reason of ConversationsPersisted."""
NOT_SEEN = "not reconciled yet: is the operator running?"


@dataclass(frozen=True)
class EnvironmentRow:
    """An environment."""

    namespace: str
    name: str
    tag: str
    wanted: str | None
    served: str | None
    """The model of the last answers."""
    serves_wanted: ConditionStatus
    """Whether it serves the desired model; Unknown if the last answers no longer count, or there are none."""
    ready: ConditionStatus
    reason: str | None
    message: str | None
    unregistered: str | None
    """Why it is not registered with its model server."""
    forgetful: str | None
    """Why users may be forgotten, or answered twice, because of how conversations are stored."""
    suspended: bool
    """Whether the operator leaves it as it is."""
    actions: str | None
    """Image that its action server runs; None without one."""
    url: str | None
    created: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What to keep in mind of it, in a word each."""
        return (
            *(("suspended",) if self.suspended else ()),
            *((FORGETFUL.get(self.forgetful.partition(":")[0], self.forgetful),) if self.forgetful else ()),
            *(("not registered",) if self.unregistered else ()),
        )


@dataclass(frozen=True)
class TagRow:
    """A model tag."""

    namespace: str
    name: str
    tag: str
    model: str
    """The desired model."""
    source: str | None
    """Where the tag gets models from on its own: `tag staging`, `newest main-*`; ` (paused)` while spec.model pins."""
    candidate: str | None
    """The model that is to be next."""
    waits_for: str | None
    """What that one waits for, or why there is none."""
    previous: str | None
    promoted_by: str | None
    """Who set the tag on its present model."""
    promoted_at: str | None
    """When the operator first saw it there (RFC 3339, UTC)."""
    tagged: ConditionStatus
    served: ConditionStatus
    ready: ConditionStatus
    reason: str | None
    message: str | None
    created: str


@dataclass(frozen=True)
class ServerRow:
    """A model server."""

    namespace: str
    name: str
    url: str
    profile: str
    version: str | None
    """Version that the server reported."""
    models: int | None
    environments: int | None
    """Number of environments that refer to it, from all namespaces."""
    read_only: str | None
    """Why no tag can be set on it."""
    ready: ConditionStatus
    reason: str | None
    message: str | None
    created: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What to keep in mind of it, in a word each."""
        return ("read-only",) if self.read_only else ()


Row: TypeAlias = EnvironmentRow | TagRow | ServerRow


@dataclass(frozen=True)
class Overview:
    """Everything that `status` displays, by namespace and name."""

    environments: tuple[EnvironmentRow, ...]
    tags: tuple[TagRow, ...]
    servers: tuple[ServerRow, ...] = ()
    unread: tuple[str, ...] = ()
    """What may not be listed, and why."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows."""
        return (*self.environments, *self.tags, *self.servers)


def overview(
    environments: Iterable[Environment],
    tags: Iterable[Tag],
    servers: Iterable[Server] = (),
    unread: Iterable[str] = (),
) -> Overview:
    """Return the rows of these objects, sorted."""
    return Overview(
        tuple(environment_row(item) for item in sorted(environments, key=lambda item: item.metadata.key)),
        tuple(tag_row(item) for item in sorted(tags, key=lambda item: item.metadata.key)),
        tuple(server_row(item) for item in sorted(servers, key=lambda item: item.metadata.key)),
        tuple(unread),
    )


def environment_row(environment: Environment) -> EnvironmentRow:
    """Return the row of an environment; facts about an earlier spec count as unknown."""
    status = environment.status
    desired = status.desired_model
    ready, reason, message = verdict(environment)
    return EnvironmentRow(
        namespace=environment.metadata.namespace,
        name=environment.metadata.name,
        tag=environment.tag,
        wanted=desired.name if desired else None,
        served=_served(environment),
        serves_wanted=_current_truth(environment, ConditionType.MODEL_SERVED),
        ready=ready,
        reason=reason,
        message=message,
        unregistered=unregistered(environment),
        forgetful=forgetful(environment),
        suspended=bool(environment.spec.suspend),
        actions=status.action_server.image if status.action_server else None,
        url=status.url,
        created=environment.metadata.creation_timestamp,
    )


def unregistered(environment: Environment) -> str | None:
    """Return why the environment is not registered; None if it is, or its server has no registry."""
    found = condition_of(environment.status.conditions, ConditionType.REGISTERED)
    return None if found is None or found.status == "True" else found.message


def forgetful(environment: Environment) -> str | None:
    """Return why conversations are not stored safely; None if they are, or if that is configured elsewhere."""
    found = condition_of(environment.status.conditions, ConditionType.CONVERSATIONS_PERSISTED)
    return None if found is None or found.status != "False" else f"{found.reason}: {found.message}"


def _served(environment: Environment) -> str | None:
    """Return the served models, with the number of pods unless all of them serve the desired one."""
    status = environment.status
    if not status.served_models:
        return None
    served = ",".join(model.name for model in status.served_models)
    serving, ready = status.serving_replicas or 0, status.ready_replicas or 0
    return served if serving == ready else f"{served} ({serving}/{ready})"


def tag_row(tag: Tag) -> TagRow:
    """Return the row of a model tag; facts about an earlier spec count as unknown."""
    ready, reason, message = verdict(tag)
    latest = tag.status.history[0] if tag.status.history else None
    held = condition_of(tag.status.conditions, ConditionType.PROMOTED)
    candidate, source = tag.status.candidate_model, source_of(tag)
    return TagRow(
        namespace=tag.metadata.namespace,
        name=tag.metadata.name,
        tag=tag.tag,
        model=desired_by(tag),
        source=f"{source} (paused)" if source is not None and tag.spec.model is not None else source,
        candidate=candidate.name if candidate is not None and is_current(tag) else None,
        waits_for=held.message if held is not None and held.status != "True" and is_current(tag) else None,
        previous=tag.status.previous_model.name if tag.status.previous_model else None,
        promoted_by=latest.promoted_by if latest else None,
        promoted_at=latest.tagged_time if latest else None,
        tagged=_current_truth(tag, ConditionType.TAGGED),
        served=_current_truth(tag, ConditionType.SERVED),
        ready=ready,
        reason=reason,
        message=message,
        created=tag.metadata.creation_timestamp,
    )


def server_row(server: Server) -> ServerRow:
    """Return the row of a model server; facts about an earlier spec count as unknown."""
    status = server.status
    ready, reason, message = verdict(server)
    writable = condition_of(status.conditions, ConditionType.WRITABLE)
    read_only = writable is not None and writable.status == "False" and is_current(server)
    return ServerRow(
        namespace=server.metadata.namespace,
        name=server.metadata.name,
        url=server.spec.url,
        profile=server.spec.profile,
        version=status.version,
        models=status.model_count,
        environments=status.environment_count,
        read_only=writable.message if writable is not None and read_only else None,
        ready=ready,
        reason=reason,
        message=message,
        created=server.metadata.creation_timestamp,
    )


def desired_by(tag: Tag) -> str:
    """Return the model that the tag should carry now; empty if unknown."""
    known = (tag.status.desired_model if is_current(tag) else None) or tag.status.tagged_model
    if is_current(tag) and known is not None:
        return known.name
    return tag.spec.model or (known.name if known is not None else "")


def source_of(tag: Tag) -> str | None:
    """Return where the tag gets models from on its own."""
    if tag.spec.promote_from is not None:
        return f"tag {tag.spec.promote_from.tag}"
    return None if tag.spec.follow is None else f"newest {tag.spec.follow.name_pattern}"


def verdict(resource: Environment | Tag | Server) -> tuple[ConditionStatus, str | None, str | None]:
    """Return whether it is Ready, with reason and message; Unknown while the status describes an earlier spec."""
    ready = condition_of(resource.status.conditions, ConditionType.READY)
    if ready is None or not is_current(resource):
        return "Unknown", "NotSeenYet", NOT_SEEN
    return ready.status, ready.reason, ready.message


def is_current(resource: Environment | Tag | Server) -> bool:
    """Return whether the status describes the current spec."""
    return resource.status.observed_generation == resource.metadata.generation


def _current_truth(resource: Environment | Tag, kind: ConditionType) -> ConditionStatus:
    """Return the status of the condition for the current spec."""
    return truth(condition_of(resource.status.conditions, kind)) if is_current(resource) else "Unknown"


def truth(condition: Condition | None) -> ConditionStatus:
    """Return the condition's status; Unknown if there is none."""
    return condition.status if condition else "Unknown"


def age(created: str, now: datetime) -> str:
    """Return the age in its most significant unit, as kubectl displays it: 45s, 12m, 5h, 8d."""
    try:
        passed = now - datetime.fromisoformat(created).astimezone(UTC)
    except ValueError:
        return "-"
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if passed >= 2 * length:
            return f"{passed // length}{unit}"
    return f"{max(0, passed // timedelta(seconds=1))}s"
