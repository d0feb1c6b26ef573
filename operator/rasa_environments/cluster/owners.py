"""A check with the API server, rather than a watch, that the owner of children still exists."""

from __future__ import annotations

import asyncio
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import OwnerGoneError
from rasa_environments.cluster.resources import Resource

_UNKNOWN: Final = "unknown"


class OwnerCheck:
    """Reads the owner before a child is created again, once for all of its children.

    A watch that lags behind does not know that the owner was deleted. Its children vanish one after the other, and each
    one that is created again would be deleted by the garbage collector, endlessly.
    """

    def __init__(self, client: Client, resource: Resource, key: ObjectKey, uid: str) -> None:
        self._client = client
        self._resource = resource
        self._key = key
        self._uid = uid
        self._one_request = asyncio.Lock()
        self._found: str | None = _UNKNOWN

    async def __call__(self) -> None:
        """Check that an owner with that uid exists and is not being deleted.

        Raises OwnerGoneError if not, and ApiError if that cannot be determined.
        """
        async with self._one_request:
            if self._found == _UNKNOWN:
                self._found = await self._live_uid()
        if self._found != self._uid:
            raise OwnerGoneError(self._resource.kind, self._key)

    async def _live_uid(self) -> str | None:
        owner = await self._client.find(self._resource, self._key, metadata_only=True)
        if owner is None or owner["metadata"].get("deletionTimestamp"):
            return None
        return str(owner["metadata"]["uid"])
