"""Keeps a cache in sync with the API server: list, watch, and list again when the watch breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import Final

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.cache import ObjectCache, Relist, identity
from rasa_environments.cluster.client import WATCH_SECONDS, Client, Listing, Rejected, WatchEvent
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import Resource
from rasa_environments.cluster.retries import Retries
from rasa_environments.cluster.watch import Contact

logger = logging.getLogger(__name__)

OnChange = Callable[[ObjectKey, JsonObject | None], None]
"""Called with the key and the object as the API server sent it, or None if it is gone; must return at once."""

_PAGE: Final = 100
_BACKOFF: Final = Backoff(first=0.5, longest=30.0)
_SHORT_BACKOFF: Final = Backoff(first=0.5, longest=5.0)
_MISSING_PAUSE: Final = 2.0
"""Seconds; a definition that is installed later is noticed soon."""
_STEADY: Final = 10.0
"""Seconds; after a watch of that length the next failure counts as the first."""
_PROVEN: Final = 1.0
"""Seconds; a watch that has been open for this long works."""
_MANY_SHORT: Final = 3
"""Consecutive watches that end early; some proxies, and a server that shuts down, cause them now and then."""
_ENDS_AT_ONCE: Final = ApiError(0, "Unreachable", "the API server ends each watch soon after it was opened")
_NO_NAME: Final = ApiError(0, "Malformed", "a watch event has no object")
_NOT_DEFINED: Final = ApiError(404, "NotFound", "the API server does not serve them; is their CRD installed?")


class Reflector:
    """Watches one resource, in all namespaces or in each of a few.

    `on_change` is called for changes from lists and watches that the cache does not have yet, so not for the echo of a
    write whose response was cached, and with None for objects that the cache no longer keeps. When a watch breaks,
    everything is listed at once and compared, so that a deletion that happened meanwhile is found; if that fails too,
    it is retried with backoff, in turns with all others in `retries`. When contact is regained, all of them are
    retried. A watch that the server ended normally is resumed. An object that cannot be used, or that `on_change`
    cannot handle, is logged and skipped: its last valid version stays in the cache.
    """

    def __init__(  # noqa: PLR0913 - what a list takes, each by its name
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
        retries: Retries | None = None,
    ) -> None:
        self.resource = resource
        self.name = resource.plural
        self.synced = asyncio.Event()
        """Set when everything has been listed once."""
        self.skipped = 0
        """Number of skipped objects so far."""
        self.interruptions = 0
        """Number of watches that ended early so far, as they do when a definition is replaced."""
        self._client = client
        self._cache = cache
        self._on_change = on_change
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._metadata_only = metadata_only
        self._retries = retries or Retries()
        self._contacts: dict[str | None, Contact] = {
            scope: Contact(f"{self.name} of namespace {scope}" if scope else self.name)
            for scope in namespaces or (None,)
        }

    @property
    def last_contact(self) -> float:
        """Time (`time.monotonic()`) of the last contact with the API server, of the namespace where it is oldest."""
        return min(contact.last_contact for contact in self._contacts.values())

    @property
    def failure(self) -> str | None:
        """Why no changes arrive at present, or None."""
        return next((contact.failure for contact in self._contacts.values() if contact.failure), None)

    @property
    def error(self) -> ApiError | None:
        """The error of the API server behind `failure`."""
        return next((contact.error for contact in self._contacts.values() if contact.error), None)

    async def ready(self) -> None:
        """Wait until everything has been listed. Raises the ApiError of the last attempt if it failed."""
        for contact in self._contacts.values():
            await contact.ready()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for scope, contact in self._contacts.items():
                tasks.create_task(self._run_scope(scope, contact))

    async def _run_scope(self, scope: str | None, contact: Contact) -> None:
        failures = 0
        try:
            while True:
                listed = await self._list_and_watch(scope, contact)
                steady = listed is not None and time.monotonic() - listed >= _STEADY
                failures = 1 if steady else failures + 1
                pause = _BACKOFF.seconds(failures - 1, random.random())  # noqa: S311
                if contact.is_missing:
                    pause = min(pause, _MISSING_PAUSE)
                await self._retries.wait((self, scope), pause, takes_turns=not contact.is_missing)
        finally:
            self._retries.forget((self, scope))
            contact.stopped()

    async def _list_and_watch(self, scope: str | None, contact: Contact) -> float | None:
        """Watch until a failure, and record it; return since when everything was listed, None if it was not.

        No error in here may end the process.
        """
        listed: float | None = None
        try:
            version = await self._list(scope, contact)
            listed = time.monotonic()
            await self._watch_from(version, scope, contact)
        except ApiError as error:
            self.interruptions += 1
            contact.failed(_NOT_DEFINED if error.status == 404 else error)
        except Exception as error:
            logger.exception("watching %s failed; listing again", self.name)
            contact.failed(ApiError(0, type(error).__name__, str(error)))
        return listed

    def _watching(self, scope: str | None, contact: Contact) -> None:
        """Record that changes arrive."""
        contact.watching()
        self._retries.succeeded((self, scope))

    async def _list(self, scope: str | None, contact: Contact) -> str:
        """List everything, notify of all differences, and return the version to watch from."""
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
                contact.heard()
                version = page.resource_version
                self._take_page(relist, page)
                del page  # otherwise it would stay in memory until the next one is read
        for key in relist.finish():
            self._tell(key, None)
        contact.listed()
        if all(each.synced.is_set() for each in self._contacts.values()):
            self.synced.set()
        return version

    def _take_page(self, relist: Relist, page: Listing) -> None:
        relist.start(page.resource_version)
        for rejected in page.rejected:
            self._skip(rejected)
            if rejected.key is not None:
                relist.note(rejected.key)
        for obj in page.items:
            self._take(obj)
            relist.note(identity(obj)[0])

    async def _watch_from(self, version: str, scope: str | None, contact: Contact) -> None:
        """Watch until a failure, one request after the other."""
        short = 0
        while True:
            opened = time.monotonic()
            version = await self._watch(version, scope, contact)
            contact.heard()
            lasted = time.monotonic() - opened
            self.interruptions += lasted < WATCH_SECONDS[0] - 1
            short = short + 1 if lasted < _STEADY else 0
            if short >= _MANY_SHORT:
                contact.failed(_ENDS_AT_ONCE)
            pause = _SHORT_BACKOFF.seconds(max(short - 1, 0), random.random())  # noqa: S311
            await self._retries.wait((self, scope), pause, takes_turns=False)

    async def _watch(self, version: str, scope: str | None, contact: Contact) -> str:
        """Handle changes until the server ends the watch; return the version to continue from."""
        loop = asyncio.get_running_loop()
        proven: list[asyncio.TimerHandle] = []
        events = self._client.watch(
            self.resource,
            scope,
            resource_version=version,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            metadata_only=self._metadata_only,
            opened=lambda: proven.append(loop.call_later(_PROVEN, self._watching, scope, contact)),
        )
        try:
            async with contextlib.aclosing(events):
                async for event in events:
                    contact.heard()
                    if isinstance(event, Rejected):
                        self._skip(event)
                        if event.key is None:
                            raise _NO_NAME
                        version = str(event.version or version)
                    else:
                        self._take_event(event)
                        version = event.object["metadata"]["resourceVersion"]
                    self._cache.advance(version, scope)
        finally:
            for timer in proven:
                timer.cancel()
        return version

    def _take_event(self, event: WatchEvent) -> None:
        if event.type == "DELETED":
            key, _ = identity(event.object)
            if self._cache.remove(key):
                self._tell(key, None)
        elif event.type != "BOOKMARK":
            self._take(event.object)

    def _take(self, obj: JsonObject) -> None:
        key, version = identity(obj)
        try:
            news = self._cache.put(obj)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it
            self._skip(Rejected(key, version, f"{type(error).__name__}: {error}"))
            return
        if news:
            self._tell(key, obj if key in self._cache else None)

    def _tell(self, key: ObjectKey, obj: JsonObject | None) -> None:
        try:
            self._on_change(key, obj)
        except Exception:
            self.skipped += 1
            logger.exception("%s %s skipped because of a bug in the operator", self.resource.kind, key)

    def _skip(self, rejected: Rejected) -> None:
        self.skipped += 1
        logger.warning("%s %s skipped: %s", self.resource.kind, rejected.key or "without a name", rejected.problem)
