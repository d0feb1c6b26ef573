"""ModelServers that the lister does not know yet, although they are there.

Objects that were created together come by different watches, in any order: an environment may be reconciled before
anything is known of the ModelServer that was created just before it. To say then that it is not found would be false.
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
    """Asks the API server before anybody says that a ModelServer is not found."""

    def __init__(self, client: Client, seen: ObjectCache, contents: Contents, namespaces: Collection[str] = ()) -> None:
        """`seen` holds what the watch has brought; `namespaces` are those that are watched, none: all."""
        self._client = client
        self._seen = seen
        self._contents = contents
        self._namespaces = namespaces

    async def has(self, key: ObjectKey, told: Iterable[Condition] | None) -> bool:
        """Whether there is such a ModelServer. Once it has been read, whoever refers to it is reconciled.

        `told` are the conditions of the object that refers to it: where they say already that it is not found, the
        watch is trusted, and nothing is asked. False for a ModelServer of which no version can be used. Raises
        `ApiError`.
        """
        if self._contents.rejects(Request(Kind.MODEL_SERVER, key)):
            return False
        if self._seen.version(key) is not None:
            return True
        is_watched = not self._namespaces or key.namespace in self._namespaces
        message = missing(key).message
        if not is_watched or any(condition.message == message for condition in told or ()):
            return False
        return await self._client.find(resource_of(Kind.MODEL_SERVER), key, metadata_only=True) is not None
