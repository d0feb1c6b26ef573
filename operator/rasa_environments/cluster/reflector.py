"""Keeps a cache as the API server has it: list, watch, and list again when the line was cut."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import Final

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache, identity
from rasa_environments.cluster.client import Client, Listing, Rejected, WatchEvent
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import Resource

log = logging.getLogger(__name__)

OnChange = Callable[[ObjectKey, JsonObject | None], None]
"""Called with the key and the object as the API server sent it, or None if it is gone. It must return at once."""

_PAGE: Final = 100
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class Reflector:
    """Follows one resource, in all namespaces or in each of some.

    `on_change` is called for what lists and watches bring that the cache does not have yet, so not for the echo of a
    write whose answer was put into the cache. After a cut every object is listed and compared: a deletion that happened
    meanwhile is found. A watch that the server ended in good order goes on where it was.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        cache: ObjectCache,
        on_change: OnChange,
        *,
        namespaces: tuple[str, ...] = (),
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        """Set when everything has been listed once."""
        self._client = client
        self._cache = cache
        self._on_change = on_change
        self._scopes: tuple[str | None, ...] = namespaces or (None,)
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._metadata_only = metadata_only
        self._contacts: dict[str | None, float] = dict.fromkeys(self._scopes, time.monotonic())
        self._unlisted: set[str | None] = set(self._scopes)

    @property
    def last_contact(self) -> float:
        """When (`time.monotonic()`) the API server was last heard: a list, an event, or a bookmark (one a minute)."""
        return min(self._contacts.values())

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for scope in self._scopes:
                tasks.create_task(self._follow(scope))

    async def _follow(self, scope: str | None) -> None:
        failures = 0
        while True:
            try:
                version = await self._list(scope)
                failures = 0
                while True:
                    version = await self._watch(scope, version)
            except ApiError as error:
                failures += 1
                await pause_after_cut(self.resource.plural, error, failures, "listing again")

    async def _list(self, scope: str | None) -> str:
        """List everything, tell what is different from what was known, and return the version to watch from."""
        relist = self._cache.relist(scope)
        version = ""
        async with contextlib.aclosing(
            self._client.pages(
                self.resource,
                scope,
                label_selector=self._label_selector,
                field_selector=self._field_selector,
                metadata_only=self._metadata_only,
                page_size=_PAGE,
            )
        ) as pages:
            async for page in pages:
                version = page.resource_version
                self._contacts[scope] = time.monotonic()
                self._tell(page, relist.page(page))
        for key in relist.finish():
            self._on_change(key, None)
        self._unlisted.discard(scope)
        if not self._unlisted:
            self.synced.set()
        return version

    def _tell(self, page: Listing, changed: set[ObjectKey]) -> None:
        for obj in page.items:
            key, _ = identity(obj)
            if key in changed:
                changed.discard(key)
                self._on_change(key, obj)
        for key in changed:
            self._on_change(key, None)

    async def _watch(self, scope: str | None, version: str) -> str:
        """Follow changes until the server ends the watch; returns the version to go on from."""
        async with contextlib.aclosing(
            self._client.watch(
                self.resource,
                scope,
                resource_version=version,
                label_selector=self._label_selector,
                field_selector=self._field_selector,
                metadata_only=self._metadata_only,
            )
        ) as events:
            async for event in events:
                self._contacts[scope] = time.monotonic()
                if isinstance(event, Rejected):
                    continue
                take(event, self._cache, self._on_change)
                version = event.object["metadata"]["resourceVersion"]
                self._cache.advance(version, scope)
        return version


def take(event: WatchEvent, cache: ObjectCache, on_change: OnChange) -> None:
    """Brings a cache up to what a watch tells, and passes on what is news to it."""
    if event.type == "BOOKMARK":
        return
    key, _ = identity(event.object)
    if event.type == "DELETED":
        if cache.remove(key):
            on_change(key, None)
    elif cache.put(event.object):
        on_change(key, event.object)


async def pause_after_cut(what: str, error: ApiError, failures: int, then: str) -> None:
    """Says that a watch was cut and what comes then, and waits the longer the more often it was in a row."""
    pause = random.uniform(0.5, 1.0) * min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE)  # noqa: S311
    level = logging.INFO if error.status == 410 else logging.WARNING
    log.log(level, "watching %s was cut (%s); %s in %.1f s", what, error, then, pause)
    await asyncio.sleep(pause)
