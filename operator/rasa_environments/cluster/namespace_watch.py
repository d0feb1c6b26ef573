"""Keeps a cache of one namespace as the API server has it, by a watch alone: for what the operator may not list."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client, Rejected, WatchEvent
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.reflector import OnChange, pause_after_cut, take
from rasa_environments.cluster.resources import Resource

_BEGINNING: Final = ""
"""A watch from no resourceVersion first brings everything that is there (kubernetes.io, API concepts, "watch")."""


class NamespaceWatch:
    """Follows one resource in one namespace.

    Nothing tells when everything that was there has come. So what is not in the cache may be there all the same: who
    has to know asks for the object, after `opened`, and is told of every later change. After a cut the watch goes on
    where it was; where it cannot, everything is forgotten, and told as gone, before it is brought again.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str,
        cache: ObjectCache,
        on_change: OnChange,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> None:
        self.last_contact = time.monotonic()
        """When (`time.monotonic()`) the API server was last heard: an event, or a bookmark (one a minute)."""
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._cache = cache
        self._on_change = on_change
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._metadata_only = metadata_only
        self._attempt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._version = _BEGINNING
        self._caught_up = False
        """Whether something came that is later than the beginning: then all of the beginning has come."""

    async def opened(self) -> None:
        """Returns once the API server tells of changes. Raises ApiError if it just refused to, or is not there."""
        await asyncio.shield(self._attempt)

    async def run(self) -> None:
        """Follow until cancelled."""
        failures = 0
        while True:
            try:
                await self._watch()
                failures = 0
            except ApiError as error:
                failures = 1 if self._is_open() else failures + 1
                self._note(error)
                if error.status != 0:
                    self._caught_up = False
                await pause_after_cut(
                    f"{self._resource.plural} of namespace {self._namespace}", error, failures, "again"
                )

    def forget(self) -> None:
        """Empties the cache of this namespace, and tells that everything is gone."""
        for key in self._cache.forget(self._namespace):
            self._on_change(key, None)

    async def _watch(self) -> None:
        """Follow changes until the server ends the watch."""
        if not self._caught_up:
            self._version = _BEGINNING
            self.forget()
        events = self._client.watch(
            self._resource,
            self._namespace,
            resource_version=self._version,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            metadata_only=self._metadata_only,
            opened=self._open,
        )
        async with contextlib.aclosing(events):
            async for event in events:
                self.last_contact = time.monotonic()
                if not isinstance(event, Rejected):
                    self._take(event)

    def _take(self, event: WatchEvent) -> None:
        version: str = event.object["metadata"]["resourceVersion"]
        if event.type == "BOOKMARK" and self._caught_up and int(version) < int(self._version):
            raise ApiError(410, "Expired", "the API server went back in time: it was restored from a backup")
        self._version = version
        if event.type != "ADDED":
            self._caught_up = True
            self._cache.advance(version, self._namespace)
        take(event, self._cache, self._on_change)

    def _open(self) -> None:
        self.last_contact = time.monotonic()
        if self._attempt.done():
            self._attempt = asyncio.get_running_loop().create_future()
        self._attempt.set_result(None)

    def _is_open(self) -> bool:
        return self._attempt.done() and self._attempt.exception() is None

    def _note(self, error: ApiError) -> None:
        if self._attempt.done():
            self._attempt = asyncio.get_running_loop().create_future()
        self._attempt.set_exception(error)
        self._attempt.exception()  # or asyncio complains where nobody waits for it
