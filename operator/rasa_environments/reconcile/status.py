"""One patch of a status, and only where it changed."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_environments.api.base import ApiModel, JsonObject, Metadata
from rasa_environments.api.conditions import Condition
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.api.model_server import ModelServerStatus
from rasa_environments.api.model_tag import ModelTagStatus
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.resources import Resource
from rasa_environments.judge.conditions import merge_patch, transitioned

Status = EnvironmentStatus | ModelServerStatus | ModelTagStatus


async def write_status(
    client: Client,
    resource: Resource,
    metadata: Metadata,
    before: Status,
    after: Status,
    conditions: Sequence[Condition],
    time: str,
) -> JsonObject | None:
    """Writes what differs; returns the object as it is then, or None where nothing differed or the object is gone."""
    stamped = transitioned(before.conditions, conditions, generation=metadata.generation, time=time)
    full = after.model_copy(update={"observed_generation": metadata.generation, "conditions": list(stamped)})
    patch = merge_patch(_dumped(before), _dumped(full))
    if not patch:
        return None
    try:
        return await client.patch_status(resource, metadata.key, patch)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def _dumped(status: ApiModel) -> JsonObject:
    return status.model_dump(by_alias=True, exclude_none=True)
