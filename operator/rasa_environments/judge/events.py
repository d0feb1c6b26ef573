"""The Events of an object, derived from its status before and after a write.

Source of the limits of an Event: `ValidateEventCreate` of Kubernetes (pkg/apis/core/validation/events.go).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from rasa_environments.api.base import API_VERSION, JsonObject, ObjectKey
from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import HistoryEntry, ModelTag
from rasa_environments.api.verification import VerificationRecord
from rasa_environments.desired.context import child_key
from rasa_environments.judge.conditions import condition_of, is_true

LONGEST_NOTE: Final = 1024
"""Bytes of a note in UTF-8."""
LONGEST_NAME: Final = 253
"""Characters of the name of an object."""

EventType = Literal["Normal", "Warning"]


class EventReason(StrEnum):
    """Reason of an Event; an Event of a stalled object has the reason of its condition instead."""

    PROMOTED = "Promoted"
    APPROVAL_REQUIRED = "ApprovalRequired"
    PROMOTION_HELD = "PromotionHeld"
    ROLLED_BACK = "RolledBack"
    TAG_REVERTED = "TagReverted"
    VERIFICATION_SUCCEEDED = "VerificationSucceeded"
    MODEL_REJECTED = "ModelRejected"
    MODEL_SERVED = "ModelServed"
    MODEL_NOT_SERVED = "ModelNotServed"
    TOKEN_ROTATED = "TokenRotated"
    REGISTERED = "Registered"
    DRIFT_REVERTED = "DriftReverted"
    LICENSE_EXPIRING = "LicenseExpiring"
    RECOVERED = "Recovered"
    UNREACHABLE = "Unreachable"


_HELD: Final = {
    Reason.APPROVAL_PENDING: EventReason.APPROVAL_REQUIRED,
    Reason.OUTSIDE_WINDOW: EventReason.PROMOTION_HELD,
    Reason.FROZEN: EventReason.PROMOTION_HELD,
}
"""The Events of a model that begins to wait, by the reason of the condition Promoted."""


class Action(StrEnum):
    """What the operator was doing when the Event occurred."""

    PUT_TAG = "PutTag"
    CHECK_PROMOTION = "CheckPromotion"
    VERIFY_MODEL = "VerifyModel"
    CHECK_MODEL = "CheckModel"
    CHECK_LICENSE = "CheckLicense"
    ROTATE_TOKEN = "RotateToken"
    REGISTER = "Register"
    CORRECT_CHILD = "CorrectChild"
    CHECK_MODEL_SERVER = "CheckModelServer"
    RECONCILE = "Reconcile"


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """Reference to the object of an Event."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object."""

    type: EventType
    reason: str
    action: Action
    note: str
    moment: str
    """Distinguishes this transition from others of its object and reason: its time, and for an action also its
    subject."""
    related: ObjectReference | None = None
    """Another object that was involved."""


Record = Callable[[ObjectReference, Sequence[Event]], None]
"""Records Events about an object; returns at once, and never raises."""


def record_nothing(_: ObjectReference, __: Sequence[Event]) -> None:
    """Record nothing, for callers that write no Events."""


def reference_to(resource: AnyResource) -> ObjectReference:
    """Return a reference to an object of the operator's own kinds."""
    metadata = resource.metadata
    return ObjectReference(API_VERSION, type(resource).__name__, metadata.namespace, metadata.name, metadata.uid)


def event_name(regarding: ObjectReference, event: Event) -> str:
    """Return the name of the Event, which is the same whenever and by whomever the same transition is recorded."""
    identity = f"{regarding.uid}\n{event.reason}\n{event.moment}"
    digest = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    return f"{regarding.name[: LONGEST_NAME - 1 - len(digest)].rstrip('.-')}.{digest}"


def shortened(note: str) -> str:
    """Return the note, truncated between two characters if it is too long."""
    encoded = note.encode()
    if len(encoded) <= LONGEST_NOTE:
        return note
    return f"{encoded[: LONGEST_NOTE - len('…'.encode())].decode(errors='ignore')}…"


def events_of(before: AnyResource, after: AnyResource, *, time: str, server: ObjectKey | None) -> tuple[Event, ...]:
    """Return the Events of the change from `before` to `after`, the same object around a status write at `time`.

    `server` is the ModelServer that it refers to.
    """
    events: list[Event] = []
    match before, after:
        case ModelTag(), ModelTag():
            events += _of_tag(before, after, time, server)
        case DeploymentEnvironment(), DeploymentEnvironment():
            events += _of_environment(before, after, time, server)
        case ModelServer(), ModelServer():
            events += _of_server(before, after)
    return (*events, *stalls(before.status.conditions, after.status.conditions))


def stalls(before: Sequence[Condition] | None, after: Sequence[Condition] | None) -> Iterator[Event]:
    """Yield an Event if the object has stalled, or has stalled for another reason than before."""
    now, last = condition_of(after, ConditionType.STALLED), condition_of(before, ConditionType.STALLED)
    if now is None or now.status != "True":
        return
    if last is None or (last.status, last.reason) != (now.status, now.reason):
        yield stalled_event(now)


def stalled_event(stalled: Condition, moment: str | None = None) -> Event:
    """Return the Event of a Stalled condition that is True; `moment` defaults to its last transition."""
    return Event("Warning", stalled.reason, Action.RECONCILE, stalled.message, moment or stalled.last_transition_time)


def tag_reverted(tag: ModelTag, model: str, moved_to: str | None, *, time: str, server: ObjectKey) -> Event:
    """Return the Event of a tag that is on `model` again: somebody had moved it to `moved_to` or removed it (None)."""
    elsewhere = f"was moved to model {moved_to}" if moved_to else "was taken away"
    note = f"tag {tag.tag} {elsewhere} on the model server; it is back on model {model}"
    return Event("Warning", EventReason.TAG_REVERTED, Action.PUT_TAG, note, f"{time} {moved_to}", _server(server))


def drift_reverted(child: JsonObject, path: str | None, *, time: str) -> Event:
    """Return the Event of a correction of a child that was changed at `path`, or deleted (None). It holds no value."""
    metadata = child["metadata"]
    related = ObjectReference(child["apiVersion"], child["kind"], metadata["namespace"], metadata["name"])
    done = (
        f"was changed by another at {path}; it is restored" if path else "was deleted by another; it is created again"
    )
    note = f"{related.kind} {related.name} {done}"
    moment = f"{time} {related.kind} {path}"
    return Event("Warning", EventReason.DRIFT_REVERTED, Action.CORRECT_CHILD, note, moment, related)


def owner_reference(child: JsonObject) -> ObjectReference:
    """Return a reference to the object that controls a child, its only owner."""
    (owner,) = child["metadata"]["ownerReferences"]
    return ObjectReference(
        owner["apiVersion"], owner["kind"], child["metadata"]["namespace"], owner["name"], owner["uid"]
    )


def _of_tag(before: ModelTag, after: ModelTag, time: str, server: ObjectKey | None) -> Iterator[Event]:
    """Yield Events if a model waits for people or a window, was verified, or got the tag, or has other content."""
    yield from _of_candidate(before, after, time, server)
    yield from _of_verification(before, after)
    yield from _of_tagged(before, after, server)


def _of_candidate(before: ModelTag, after: ModelTag, time: str, server: ObjectKey | None) -> Iterator[Event]:
    """Yield an Event if the next model waits for approvals or a window, and another one did, or for something else."""
    now, last = (condition_of(each.status.conditions, ConditionType.PROMOTED) for each in (after, before))
    candidate = after.status.candidate_model
    if now is None or candidate is None or now.reason not in _HELD:
        return
    if last is None or last.reason != now.reason or before.status.candidate_model != candidate:
        moment = f"{time} {candidate.name} {candidate.hash}"
        yield Event("Normal", _HELD[Reason(now.reason)], Action.CHECK_PROMOTION, now.message, moment, _server(server))


def _of_tagged(before: ModelTag, after: ModelTag, server: ObjectKey | None) -> Iterator[Event]:
    """Yield an Event if the tag is on another model than before, or the content of its model has changed."""
    last, now, tag = before.status.tagged_model, after.status.tagged_model, after.tag
    if now is None or now == last:
        return
    promoted = (entry for entry in after.status.history or () if (entry.model, entry.hash) == (now.name, now.hash))
    latest = next(promoted, None)
    moment = f"{latest.tagged_time if latest else ''} {now.hash}"
    by = _promoted_by(latest)
    former, goes_back = before.status.previous_model, latest is not None and latest.cause == "Rollback"
    if last is not None and last.name == now.name:
        note = f"tag {tag} is on model {now.name}, whose content was replaced on the model server"
        yield Event("Normal", EventReason.PROMOTED, Action.PUT_TAG, note, moment, _server(server))
    elif last is not None and (goes_back or (former is not None and former.name == now.name)):
        note = f"tag {tag} went back from model {last.name} to {now.name}, which carried it before{by}"
        yield Event("Warning", EventReason.ROLLED_BACK, Action.PUT_TAG, note, moment, _server(server))
    else:
        came_from = f", before on {last.name}" if last else ""
        note = f"tag {tag} is on model {now.name}{came_from}{by}"
        yield Event("Normal", EventReason.PROMOTED, Action.PUT_TAG, note, moment, _server(server))


def _promoted_by(entry: HistoryEntry | None) -> str:
    """Return who or what promoted the model, as the end of a note."""
    if entry is None:
        return ""
    return f", promoted by {entry.promoted_by}" if entry.promoted_by else f", {entry.message}" if entry.message else ""


def _of_verification(before: ModelTag, after: ModelTag) -> Iterator[Event]:
    """Yield an Event for each verification of a model that has ended."""
    known = {_identity(each) for each in before.status.verifications or () if each.result is not None}
    ended = (each for each in after.status.verifications or () if each.result is not None)
    for record in ended:
        if _identity(record) not in known:
            yield from _of_result(record, after)


def _of_result(record: VerificationRecord, tag: ModelTag) -> Iterator[Event]:
    is_live = record.stage == "Live"
    moment = f"{record.start_time} {record.hash}{' Live' if is_live else ''}"
    rejected = next((each for each in tag.status.rejected or () if each.hash == record.hash), None)
    if record.result == "Succeeded":
        where = f"with tag {tag.tag} in its environments" if is_live else f"for tag {tag.tag}"
        note = f"model {record.name} has passed its verification {where}"
        yield Event("Normal", EventReason.VERIFICATION_SUCCEEDED, Action.VERIFY_MODEL, note, moment)
    elif rejected is not None:
        failed = f"failed its verification with tag {tag.tag}" if is_live else f"does not get tag {tag.tag}"
        note = f"model {record.name} {failed}: {rejected.message}"
        yield Event("Warning", EventReason.MODEL_REJECTED, Action.VERIFY_MODEL, note, moment)


def _identity(record: VerificationRecord) -> tuple[str, str, str]:
    return record.stage, record.start_time, record.hash


def _of_environment(
    before: DeploymentEnvironment, after: DeploymentEnvironment, time: str, server: ObjectKey | None
) -> Iterator[Event]:
    yield from _of_model(before, after, time)
    registered = _turned(before, after, ConditionType.REGISTERED, "True")
    if registered is not None:
        yield _told(registered, "Normal", EventReason.REGISTERED, Action.REGISTER, _server(server))
    expiring = condition_of(after.status.conditions, ConditionType.LICENSE_VALID)
    if expiring is not None and expiring.reason == Reason.LICENSE_EXPIRING and not _is_expiring(before):
        moment = after.status.license_expiry_time or ""
        yield Event("Warning", EventReason.LICENSE_EXPIRING, Action.CHECK_LICENSE, expiring.message, moment)
    rotated, last = after.status.last_handled_rotate_token_at, before.status.last_handled_rotate_token_at
    if rotated is not None and rotated != last and before.status.auth_token is not None:
        secret = _child(after, "v1", "Secret")
        note = f"a new token is in Secret {secret.name}, as the annotation asked for with {rotated}"
        yield Event("Normal", EventReason.TOKEN_ROTATED, Action.ROTATE_TOKEN, note, f"{time} {rotated}", secret)


def _is_expiring(environment: DeploymentEnvironment) -> bool:
    """Return whether the condition of the environment says that its licence expires soon."""
    found = condition_of(environment.status.conditions, ConditionType.LICENSE_VALID)
    return found is not None and found.reason == Reason.LICENSE_EXPIRING


def _of_model(before: DeploymentEnvironment, after: DeploymentEnvironment, time: str) -> Iterator[Event]:
    """Yield Events if the environment starts or stops serving the desired model, or serves a newly desired one."""
    deployment = _child(after, "apps/v1", "Deployment") if after.spec.external is None else None
    lost = _turned(before, after, ConditionType.MODEL_SERVED, "False")
    if lost is not None:
        yield _told(lost, "Warning", EventReason.MODEL_NOT_SERVED, Action.CHECK_MODEL, deployment)
    served = _seen_to_serve(after)
    if served is None:
        return
    if _seen_to_serve(before) is None:
        yield _told(served, "Normal", EventReason.MODEL_SERVED, Action.CHECK_MODEL, deployment)
    elif _wanted(before) != _wanted(after):
        moment = f"{time} {_wanted(after)}"
        yield Event("Normal", EventReason.MODEL_SERVED, Action.CHECK_MODEL, served.message, moment, deployment)


def _seen_to_serve(environment: DeploymentEnvironment) -> Condition | None:
    """Return the condition ModelServed if it is True and was confirmed by the servers."""
    served = condition_of(environment.status.conditions, ConditionType.MODEL_SERVED)
    unchecked = served is None or served.reason == Reason.SERVED_UNCHECKED
    return None if served is None or unchecked or served.status != "True" else served


def _wanted(environment: DeploymentEnvironment) -> str | None:
    """Return the hash of the desired model."""
    desired = environment.status.desired_model
    return desired.hash if desired else None


def _of_server(before: ModelServer, after: ModelServer) -> Iterator[Event]:
    """Yield Events if the server becomes unavailable or available.

    A stalled one is covered by the Stalled condition.
    """
    lost = _turned(before, after, ConditionType.READY, "False")
    if lost is not None and not is_true(after.status.conditions, ConditionType.STALLED):
        yield _told(lost, "Warning", EventReason.UNREACHABLE, Action.CHECK_MODEL_SERVER)
    last = condition_of(before.status.conditions, ConditionType.READY)
    back = _turned(before, after, ConditionType.READY, "True")
    if back is not None and last is not None and last.status == "False":
        yield _told(back, "Normal", EventReason.RECOVERED, Action.CHECK_MODEL_SERVER)


def _turned(before: AnyResource, after: AnyResource, kind: ConditionType, status: ConditionStatus) -> Condition | None:
    """Return the condition if it has just changed to that status."""
    now, last = condition_of(after.status.conditions, kind), condition_of(before.status.conditions, kind)
    if now is None or now.status != status or (last is not None and last.status == status):
        return None
    return now


def _told(
    condition: Condition, kind: EventType, reason: EventReason, action: Action, related: ObjectReference | None = None
) -> Event:
    """Return the Event of a condition that has just changed."""
    return Event(kind, reason, action, condition.message, condition.last_transition_time, related)


def _child(environment: DeploymentEnvironment, api_version: str, kind: str) -> ObjectReference:
    key = child_key(environment.metadata.key)
    return ObjectReference(api_version, kind, key.namespace, key.name)


def _server(key: ObjectKey | None) -> ObjectReference | None:
    return None if key is None else ObjectReference(API_VERSION, ModelServer.__name__, key.namespace, key.name)
