"""Watching the environments, model tags and model servers of some namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from pydantic import ValidationError

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS
from rasa_environments.domain.lister import Lister

LOOK_SECONDS = 1.0
"""Seconds between two checks of a watch without events: it may not be permitted."""


class Followed:
    """A lister that is kept in sync with the cluster."""

    def __init__(self) -> None:
        self.lister = Lister()
        self.reflectors: tuple[Reflector, ...] = ()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Wait for a change since the last call; simultaneous changes count as one.

        Raises ApiError if the API server refuses the watch.
        """
        while not self._changed.is_set():
            for reflector in self.reflectors:
                if reflector.error is not None and reflector.error.status in (401, 403):
                    raise reflector.error
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):  # wait_for of Python 3.11 can swallow Ctrl-C
                    await self._changed.wait()
        self._changed.clear()

    def environment_changed(self, key: ObjectKey, obj: JsonObject | None) -> None:
        """Handle a new version of an environment, or its deletion."""
        self._take(key, obj, self.lister.environments.remove, self._put_environment)

    def tag_changed(self, key: ObjectKey, obj: JsonObject | None) -> None:
        """Handle a new version of a ModelTag, or its deletion."""
        self._take(key, obj, self.lister.tags.remove, self._put_tag)

    def server_changed(self, key: ObjectKey, obj: JsonObject | None) -> None:
        """Handle a new version of a ModelServer, or its deletion."""
        self._take(key, obj, self.lister.servers.remove, self._put_server)

    def _put_environment(self, obj: JsonObject) -> None:
        self.lister.environments.put(DeploymentEnvironment.model_validate(obj))

    def _put_tag(self, obj: JsonObject) -> None:
        self.lister.tags.put(ModelTag.model_validate(obj))

    def _put_server(self, obj: JsonObject) -> None:
        self.lister.servers.put(ModelServer.model_validate(obj))

    def _take(
        self,
        key: ObjectKey,
        obj: JsonObject | None,
        remove: Callable[[ObjectKey], object],
        put: Callable[[JsonObject], None],
    ) -> None:
        if obj is None:
            remove(key)
        else:
            with suppress(ValidationError):  # of another version than this command: it keeps what it knew
                put(obj)
        self._changed.set()


@asynccontextmanager
async def followed(client: Client, namespaces: tuple[str, ...], *, servers: bool = False) -> AsyncIterator[Followed]:
    """Watch environments and tags of these namespaces (none: all) until the block ends, on request ModelServers too.

    Everything is listed before it starts. Raises ApiError if the API server cannot be reached.
    """
    following = Followed()
    watched = [
        (DEPLOYMENT_ENVIRONMENTS, following.environment_changed),
        (MODEL_TAGS, following.tag_changed),
        *([(MODEL_SERVERS, following.server_changed)] if servers else []),
    ]
    following.reflectors = tuple(
        Reflector(client, resource, ObjectCache(), changed, namespaces=namespaces) for resource, changed in watched
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(reflector.run()) for reflector in following.reflectors]
            for reflector in following.reflectors:
                await reflector.ready()
            yield following
            for task in running:
                task.cancel()
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
