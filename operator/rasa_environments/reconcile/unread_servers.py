"""ModelServers that exist but are not in the lister yet, or were not checked yet.

Objects that are created together arrive through different watches, in any order: an environment may be reconciled
before anything is known about the ModelServer that was created just before it. Reporting it as not found would then be
false.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition
from rasa_environments.cluster.resources import MODEL_SERVERS
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.access import missing
from rasa_environments.domain.lister import server_of_environment, server_of_tag
from rasa_environments.reconcile.ports import ApiServer, Watched


class UnreadServers:
    """Asks the API server before a ModelServer is reported as not found."""

    def __init__(self, state: State, api: ApiServer, watched: Watched, namespaces: Collection[str] = ()) -> None:
        """Initialize: `watched` holds what the watch has delivered; `namespaces` are those watched, all if empty."""
        self._state = state
        self._api = api
        self._watched = watched
        self._namespaces = namespaces

    async def is_awaited_by(self, request: Request) -> bool:
        """Return whether the object refers to a ModelServer that is to be read or checked before it is reconciled.

        Once that has happened, the object is enqueued. An object that is being deleted, and a suspended environment,
        wait for nothing. Raises ApiError.
        """
        reference = self._reference_of(request)
        if reference is None:
            return False
        server, conditions = reference
        servers = self._state.lister.servers
        if servers.get(server) is None and await self._has(server, conditions):
            return True
        # It may have been read during that request.
        return servers.get(server) is not None and self._state.observations.get(server) is None

    def _reference_of(self, request: Request) -> tuple[ObjectKey, Sequence[Condition]] | None:
        """Return the ModelServer that the object needs, and the object's conditions; None if it needs none."""
        environment = tag = None
        match request.kind:
            case Kind.DEPLOYMENT_ENVIRONMENT:
                environment = self._state.lister.environments.get(request.key)
            case Kind.MODEL_TAG:
                tag = self._state.lister.tags.get(request.key)
        if environment is not None and not environment.spec.suspend and environment.metadata.deletion_timestamp is None:
            return server_of_environment(environment), environment.status.conditions or ()
        if tag is not None and tag.metadata.deletion_timestamp is None:
            return server_of_tag(tag), tag.status.conditions or ()
        return None

    async def _has(self, key: ObjectKey, conditions: Sequence[Condition]) -> bool:
        """Return whether the ModelServer exists; False for one without a usable version.

        `conditions` are those of the object that refers to it: if they already say that it is not found, the watch is
        trusted, and nothing is requested.
        """
        if self._state.lister.is_never_valid(key):
            return False
        if self._watched.version(key) is not None:
            return True
        is_watched = not self._namespaces or key.namespace in self._namespaces
        message = missing(key).message
        if not is_watched or any(condition.message == message for condition in conditions):
            return False
        return await self._api.find(MODEL_SERVERS, key, metadata_only=True) is not None
