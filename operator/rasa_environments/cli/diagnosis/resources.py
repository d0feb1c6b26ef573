"""What is wrong with ModelServers, ModelTags and environments, by their conditions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.diagnosis.facts import Facts, Finding, Importance
from rasa_environments.cli.overview import is_current
from rasa_environments.judge.conditions import condition_of

IMPORTANCE: Final = {
    "ModelServer": Importance.SERVER,
    "ModelTag": Importance.TAG,
    "DeploymentEnvironment": Importance.ENVIRONMENT,
}
PATIENCE: Final = timedelta(minutes=1)
"""Age from which an object that the operator has not looked at is a finding."""


def of_resources(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with each object, and what waits."""
    for text in facts.unreadable:
        yield Finding(Importance.ENVIRONMENT, f"{text}: correct it, or use the command of the operator's version")
    for resource in facts.resources:
        yield from of_resource(resource, facts.now)


def of_resource(resource: AnyResource, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with one object."""
    kind = type(resource).__name__
    subjects = (f"{kind} {resource.metadata.key}",)
    if not is_current(resource):
        if _is_older(resource, now):
            problem = (
                "its status does not describe its spec: the operator has not handled it. See whether one is at work, "
                "and its log"
            )
            yield Finding(Importance.UNKNOWN, problem, subjects)
        return
    if isinstance(resource, DeploymentEnvironment) and resource.spec.suspend:
        problem = "it is suspended, so nobody keeps it in its desired state: remove spec.suspend to go on"
        yield Finding(Importance.ADVICE, problem, subjects)
        return
    stalled = _condition(resource, ConditionType.STALLED)
    ready = _condition(resource, ConditionType.READY)
    if stalled is not None and stalled.status == "True":
        yield Finding(IMPORTANCE[kind], _said(stalled), subjects)
        return
    if ready is None or ready.status == "Unknown":
        yield Finding(Importance.UNKNOWN, _said(ready), subjects)
    elif ready.status == "False":
        yield Finding(IMPORTANCE[kind], _said(ready), subjects)
    yield from _further(resource, subjects)


def _further(resource: AnyResource, subjects: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what is wrong although the object may be Ready."""
    match resource:
        case ModelTag():
            yield from _of_tag(resource, subjects)
        case DeploymentEnvironment():
            yield from _of_environment(resource, subjects)
        case ModelServer():
            yield from _if_false(resource, ConditionType.REGISTERED, Importance.SERVER, subjects)
            yield from _if_false(resource, ConditionType.WRITABLE, Importance.ADVICE, subjects)


def _of_tag(tag: ModelTag, subjects: tuple[str, ...]) -> Iterator[Finding]:
    yield from _if_false(tag, ConditionType.VERIFIED, Importance.TAG, subjects)
    promoted = _condition(tag, ConditionType.PROMOTED)
    if promoted is not None and promoted.status == "Unknown":
        yield Finding(Importance.ADVICE, f"a model waits: {_said(promoted)}", subjects)
    if promoted is not None and promoted.status == "False":
        yield Finding(Importance.TAG, f"no model is promoted: {_said(promoted)}", subjects)


def _of_environment(environment: DeploymentEnvironment, subjects: tuple[str, ...]) -> Iterator[Finding]:
    yield from _if_false(environment, ConditionType.REGISTERED, Importance.ENVIRONMENT, subjects)
    stored = _condition(environment, ConditionType.CONVERSATIONS_PERSISTED)
    if stored is not None and stored.status == "False":
        lost = Importance.ADVICE if stored.reason == Reason.IN_MEMORY else Importance.ENVIRONMENT
        yield Finding(lost, _said(stored), subjects)
    licence = _condition(environment, ConditionType.LICENSE_VALID)
    if licence is not None and licence.reason == Reason.LICENSE_EXPIRING:
        yield Finding(Importance.ADVICE, _said(licence), subjects)


def _if_false(
    resource: AnyResource, kind: ConditionType, importance: Importance, subjects: tuple[str, ...]
) -> Iterator[Finding]:
    found = _condition(resource, kind)
    if found is not None and found.status == "False":
        yield Finding(importance, _said(found), subjects)


def _condition(resource: AnyResource, kind: ConditionType) -> Condition | None:
    return condition_of(resource.status.conditions, kind)


def _said(condition: Condition | None) -> str:
    if condition is None:
        return "it has no condition Ready: see the operator's log"
    return f"{condition.reason}: {condition.message}" if condition.message else condition.reason


def _is_older(resource: AnyResource, now: datetime) -> bool:
    """Return whether the object has existed for long enough to be handled; True if its age is unknown."""
    try:
        created = datetime.fromisoformat(resource.metadata.creation_timestamp).astimezone(UTC)
    except ValueError:
        return True
    return now - created >= PATIENCE
