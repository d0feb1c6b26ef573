"""Runs kopf, which calls the handlers of the operator's own kinds, in a supervised thread.

When kopf stops, it cancels every task of its event loop; a thread with a loop of its own protects the other work.
Whatever happens to kopf, it is restarted, and never ends the process or delays its shutdown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import kopf

from rasa_environments.api.base import GROUP, VERSION, ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.resources import Resource
from rasa_environments.runtime.kopf_session import OWN_RESOURCES, SERVER, KopfSession

logger = logging.getLogger(__name__)

STALE_SECONDS: Final = 10.0
"""Seconds that kopf may take to pass a change to its handler before it is restarted."""
_STOP_SECONDS: Final = 3.0
_IDLE_SECONDS: Final = 0.1
"""Seconds that kopf keeps an object's task after its last event: its default of 5 takes 8 MB for 1000 new objects."""
_BACKOFF: Final = Backoff(first=0.4, longest=30.0)

Change = tuple[Resource, ObjectKey]


@dataclass
class _Life:
    """One run of kopf: its session and event loop, and how to stop it."""

    session: KopfSession
    handle: Callable[[Resource, ObjectKey], None]
    """Called in kopf's thread for each object, and each change of one."""
    started: Callable[[], None]
    """Called in kopf's thread when kopf logs in."""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self, function: Callable[[], object]) -> None:
        """Call the function in kopf's thread, if it still runs."""
        _call(self.loop, function)

    def run(self) -> None:
        """Run kopf until `stop` is set, or it ends by itself; runs in its own thread."""
        try:
            self.loop.run_until_complete(
                kopf.operator(
                    registry=self._registry(),
                    settings=_settings(),
                    standalone=True,
                    clusterwide=True,
                    stop_flag=self.stop,
                )
            )
        finally:
            self.loop.close()

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        async def login(**_: Any) -> kopf.AiohttpSession:
            self.started()
            return kopf.AiohttpSession(server=SERVER, aiohttp_session=self.session)  # type: ignore[arg-type] # of its shape

        kopf.on.login(registry=registry)(login)
        for resource in OWN_RESOURCES:
            self._register(registry, resource)
        return registry

    def _register(self, registry: kopf.OperatorRegistry, resource: Resource) -> None:
        async def handle(event: kopf.RawEvent, **_: Any) -> None:
            metadata = event["object"]["metadata"]
            self.handle(resource, ObjectKey(metadata["namespace"], metadata["name"]))

        kopf.on.event(GROUP, VERSION, resource.plural, registry=registry, id=resource.plural)(handle)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = _IDLE_SECONDS
    settings.process.ultimate_exiting_timeout = None  # otherwise kopf kills the process after stopping by itself
    return settings


class KopfHost:
    """Starts kopf, and restarts it when it has ended or no longer calls the handlers.

    `keys` returns the existing objects of a kind. `handle` is called, in the loop of `run`, for each of them when kopf
    starts, and for each change passed to `notify`.
    """

    def __init__(
        self, keys: Callable[[Resource], Iterable[ObjectKey]], handle: Callable[[Resource, ObjectKey], None]
    ) -> None:
        self._keys = keys
        self._handle = handle
        self._pending: dict[Change, float] = {}
        self._life: _Life | None = None
        self.failure: str | None = None
        """Why no handler is called now."""

    def notify(self, resource: Resource, key: ObjectKey, *, deleted: bool) -> None:
        """Report that an object has appeared, changed or been deleted; its handler is called soon."""
        change = (resource, key)
        if change in self._pending:
            return  # The handler looks up the state of the object.
        self._pending[change] = asyncio.get_running_loop().time()
        if self._life is not None:
            self._send(self._life, resource, key, deleted=deleted)

    async def run(self) -> None:
        """Run until cancelled; return when kopf has ended, or has not ended in time and is abandoned."""
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            self.failure = await self._live()
            lasted = asyncio.get_running_loop().time() - started
            failures = 1 if lasted > _BACKOFF.longest else failures + 1
            logger.error("%s; starting it again", self.failure)
            await asyncio.sleep(_BACKOFF.seconds(failures))

    async def _live(self) -> str:
        """Run kopf once; return why it has ended."""
        ours = asyncio.get_running_loop()
        ended = asyncio.Event()
        problems: list[str] = []
        life = _Life(
            KopfSession({resource: tuple(self._keys(resource)) for resource in OWN_RESOURCES}),
            lambda resource, key: _call(ours, lambda: self._handled(resource, key)),
            lambda: _call(ours, self._started),
        )

        def run() -> None:
            try:
                life.run()
            except BaseException as error:  # noqa: BLE001 - whatever it is, kopf has ended
                problems.append(f": {type(error).__name__}")
            finally:
                _call(ours, ended.set)

        threading.Thread(target=run, name="kopf", daemon=True).start()
        self._life = life
        for resource, key in self._pending:
            self._send(life, resource, key, deleted=False)
        self._pending = dict.fromkeys(self._pending, ours.time())
        try:
            if await self._has_stalled(ended):
                return f"kopf has called no handler for {STALE_SECONDS:.0f} s"
            return "kopf ended unexpectedly" + "".join(problems)
        finally:
            self._life = None
            await _end(life, ended)

    async def _has_stalled(self, ended: asyncio.Event) -> bool:
        """Return True once a change waits too long for its handler, False when kopf has ended."""
        loop = asyncio.get_running_loop()
        while not ended.is_set():
            # Until then, neither the oldest change nor a new one can have waited too long. A look each second would
            # take 0.005 % of a core at rest.
            oldest = next(iter(self._pending.values()), loop.time())
            left = oldest + STALE_SECONDS - loop.time()
            if left <= 0:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await ended.wait()
        return False

    def _started(self) -> None:
        self.failure = None

    def _handled(self, resource: Resource, key: ObjectKey) -> None:
        self._pending.pop((resource, key), None)
        self._handle(resource, key)

    @staticmethod
    def _send(life: _Life, resource: Resource, key: ObjectKey, *, deleted: bool) -> None:
        life.call(lambda: life.session.changed(resource, key, deleted=deleted))


async def _end(life: _Life, ended: asyncio.Event) -> None:
    """Stop kopf; if it does not end in time, it is abandoned with its loop stopped."""
    life.call(life.stop.set)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await ended.wait()
    except TimeoutError:
        logger.warning("kopf did not stop within %.0f s; it is abandoned", _STOP_SECONDS)
        life.call(life.loop.stop)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    """Call the function in another thread's loop, if that still runs."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
