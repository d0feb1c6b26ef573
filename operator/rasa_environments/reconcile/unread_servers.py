"""ModelServers that exist but are not in the lister yet.

Objects that are created together arrive through different watches, in any order: an environment may be reconciled
before anything is known about the ModelServer that was created just before it. Reporting it as not found would then be
false.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.resources import resource_of
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.domain.access import missing
from rasa_environments.reconcile.contents import Contents


class UnreadServers:
    """Asks the API server before a ModelServer is reported as not found."""

    def __init__(
        self, client: Client, watched: ObjectCache, contents: Contents, namespaces: Collection[str] = ()
    ) -> None:
        """Initialize: `watched` holds what the watch has delivered; `namespaces` are those watched, all if empty."""
        self._client = client
        self._watched = watched
        self._contents = contents
        self._namespaces = namespaces

    async def has(self, key: ObjectKey, conditions: Iterable[Condition] | None) -> bool:
        """Return whether the ModelServer exists; once it has been read, objects that refer to it are reconciled.

        `conditions` are those of the object that refers to it: if they already say that it is not found, the watch is
        trusted, and nothing is requested. False for a ModelServer without a usable version. Raises ApiError.
        """
        if self._contents.rejects(Request(Kind.MODEL_SERVER, key)):
            return False
        if self._watched.version(key) is not None:
            return True
        is_watched = not self._namespaces or key.namespace in self._namespaces
        message = missing(key).message
        if not is_watched or any(condition.message == message for condition in conditions or ()):
            return False
        return await self._client.find(resource_of(Kind.MODEL_SERVER), key, metadata_only=True) is not None
