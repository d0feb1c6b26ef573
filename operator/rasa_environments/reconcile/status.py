"""Status writes: one patch, only if the status changed, followed by Events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, TypeVar

from rasa_environments.api.base import ApiModel, JsonObject, Metadata, Rejection
from rasa_environments.api.conditions import Condition
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer, ModelServerStatus
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.events import Record
from rasa_environments.cluster.resources import resource_of
from rasa_environments.domain.lister import server_of_resource
from rasa_environments.judge.conditions import merge_patch, overruled, transitioned
from rasa_environments.judge.events import events_of, reference_to
from rasa_environments.judge.transitions import Transition, reports, transitions
from rasa_environments.judge.verdicts import rejected

logger = logging.getLogger(__name__)

Status = EnvironmentStatus | ModelServerStatus | ModelTagStatus
_UNREADABLE: Final = object()
T = TypeVar("T", DeploymentEnvironment, ModelServer, ModelTag, AnyResource)


async def write_status(
    client: Client, obj: T, status: Status, conditions: Sequence[Condition], time: str, record: Record
) -> T | None:
    """Write the differences to the object's status; return the object afterwards, None if there were none.

    Transitions of conditions are then logged, and recorded as Events. A rejected newer version of the object takes
    precedence over verdicts about the one in force.
    """
    rejection = obj.metadata.rejection
    generation = obj.metadata.generation if rejection is None else rejection.generation
    current = conditions if rejection is None else overruled(conditions, rejected(rejection))
    stamped = transitioned(obj.status.conditions, current, generation=generation, time=time)
    full = status.model_copy(update={"observed_generation": generation, "conditions": list(stamped)})
    written = await patch_status(client, obj, full)
    if written is not None:
        log_transitions(transitions(obj.status.conditions, stamped))
        record(reference_to(written), events_of(obj, written, time=time, server=server_of_resource(written)))
    return written


def log_transitions(changes: Sequence[Transition]) -> None:
    """Log one line for each reason, as a warning if something is wrong."""
    for report in reports(changes):
        cause = report.cause
        level = logging.WARNING if report.is_trouble else logging.INFO
        fields = {"conditions": report.conditions, "reason": cause.reason}
        logger.log(level, "%s: %s", cause.reason, cause.message, extra={"fields": fields})


async def patch_status(client: Client, obj: T, status: Status) -> T | None:
    """Patch the object's status; return the object afterwards, None if nothing differed or it is gone.

    Raises ApiError 409 if the object has changed since it was read, since the status is based on that version.
    """
    patch = merge_patch(_stored(obj.status), _dumped(status))
    if not patch:
        return None
    resource, metadata = resource_of(type(obj).__name__), obj.metadata
    try:
        written = await client.patch_status(
            resource, metadata.key, patch, resource_version=str(metadata.latest_version), metadata_only=True
        )
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return obj.model_copy(update={"status": status, "metadata": _after(metadata, written)})


def _after(metadata: Metadata, written: JsonObject) -> Metadata:
    """Return the metadata after a status write, which changes nothing but the version."""
    version = written["metadata"]["resourceVersion"]
    if metadata.rejection is None:
        return metadata.model_copy(update={"resource_version": version})
    rejection = metadata.rejection
    return metadata.model_copy(update={"rejection": Rejection(int(version), rejection.generation, rejection.message)})


def _stored(status: Status) -> JsonObject:
    """Return the stored status as far as known; an unreadable one may have anything in any field."""
    if status.unreadable:
        fields = ((name, field) for name, field in type(status).model_fields.items() if not field.exclude)
        return {field.alias or name: _UNREADABLE for name, field in fields}
    return _dumped(status)


def _dumped(status: ApiModel) -> JsonObject:
    return status.model_dump(by_alias=True, exclude_none=True)
