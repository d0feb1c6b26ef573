"""The operator as a process: starts its parts in order, and stops them in order."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import signal
import sys
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.lease import Leadership, LeadershipLostError
from rasa_environments.cluster.session import always
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.runtime.assembly import Assembly
from rasa_environments.runtime.leading import candidacy
from rasa_environments.runtime.log_context import reconciliation_of
from rasa_environments.runtime.settings import Settings
from rasa_environments.runtime.shutdown import limit_shutdown
from rasa_environments.runtime.web import serving

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""Seconds that reconciliations may continue after SIGTERM."""
EVENT_SECONDS = 2.0
"""Seconds to write Events after that."""
RECHECK_SECONDS = 300.0
"""Seconds between two looks at what interrupted watches have left in doubt."""


class Operator:
    """The operator on one API server."""

    def __init__(self, settings: Settings, parts: Assembly, leadership: Leadership | None = None) -> None:
        self._settings = settings
        self._parts = parts
        self._leadership = leadership
        self._interruptions: dict[Kind, int] = {}
        """The interruptions of each watch at the last check."""
        self._read = False
        self._standing_by = settings.leader_elect
        """Whether another process may hold the Lease while this one is ready to take over."""
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        """Tasks that run for as long as the process."""
        self._lost: LeadershipLostError | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises LeadershipLostError after an orderly shutdown, and any other error of the work at once: the process must
        then restart.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._parts.http.aclose)
            stack.push_async_callback(self._parts.clients.close)
            port = await stack.enter_async_context(
                serving(
                    self._settings.address,
                    self._settings.port,
                    healthy=self.unhealthy,
                    ready=self.unready,
                    metrics=self._parts.metrics,
                )
            )
            logger.info("health and metrics are served at port %d", port)
            async with asyncio.TaskGroup() as tasks:
                watching = [*self._parts.watches.start(tasks), tasks.create_task(self._parts.kopf.run(), name="kopf")]
                working = tasks.create_task(self._lead(), name="the work")
                self._tasks = (*watching, working)
                await _first(stop.wait(), working)
                limit_shutdown()
                logger.info("stopping: finishing the reconciliations in progress")
                await self._drain(working)
                for task in watching:
                    task.cancel()
        if self._lost is not None:
            raise self._lost

    def unhealthy(self) -> str | None:
        """Return what only a restart would fix, or None."""
        ended = next((task.get_name() for task in self._tasks if task.done()), None)
        return self._parts.reconciliations.hanging() if ended is None else f"{ended} has ended"

    def unready(self) -> str | None:
        """Return why the operator cannot see or do its work now, or None."""
        problem = self._parts.watches.problem() or self._parts.kopf.failure
        if problem is None and not self._read and not self._standing_by:
            problem = "not all objects are read yet"
        return problem or self.unhealthy()

    async def _lead(self) -> None:
        """Run the work, with leader election only while this process holds the Lease."""
        if self._leadership is None:
            await self._work()
            return
        try:
            await self._leadership.run(self._work)
        except LeadershipLostError as error:
            self._lost = error

    async def _work(self) -> None:
        """Run the work once everything is listed, so that no decision is based on half of the facts."""
        settings = self._settings
        self._standing_by = False
        await self._parts.watches.synced()
        await self._read_all()
        self._read = True
        lister, queue = self._parts.state.lister, self._parts.state.queue
        logger.info(
            "everything is listed: %d model servers, %d environments, %d tags",
            len(lister.servers),
            len(lister.environments),
            len(lister.tags),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(self._parts.reconciliations.attempt, settings.workers))
            tasks.create_task(self._resync_forever())
            tasks.create_task(self._recheck_forever())
            tasks.create_task(self._parts.events.run())

    async def _read_all(self) -> None:
        """Read every object once, so that none is considered gone; one that cannot be read is retried later."""
        queue = self._parts.state.queue
        reading = asyncio.Semaphore(self._settings.workers)

        async def read(request: Request) -> None:
            async with reading:
                with reconciliation_of(request):
                    try:
                        await self._parts.contents.refresh(request)
                    except ApiError as error:
                        logger.warning("cannot read %s; retrying later: %s", request, error)
                    except Exception:
                        logger.exception("cannot read %s; retrying later", request)
            queue.add(request)

        async with asyncio.TaskGroup() as tasks:
            for request in self._parts.contents.requests():
                tasks.create_task(read(request))

    async def _resync_forever(self) -> None:
        """Reconcile every object periodically, as a safety net: watches bring every change."""
        while True:
            await asyncio.sleep(self._settings.resync_interval)
            for request in self._parts.contents.requests():
                self._parts.state.queue.add(request)

    async def _recheck_forever(self) -> None:
        """Reconcile objects of kinds in doubt, and stop watching the Secrets of namespaces without any object."""
        while True:
            await asyncio.sleep(min(RECHECK_SECONDS, self._settings.resync_interval))
            doubted = self._kinds_in_doubt()
            for request in self._parts.contents.requests():
                if request.kind in doubted:
                    self._parts.contents.doubt(request)
                    self._parts.state.queue.add(request)
            self._parts.secrets.set_namespaces(self._parts.state.lister.namespaces)

    def _kinds_in_doubt(self) -> set[Kind]:
        """Return the kinds whose watch was interrupted since the last call: their definition may have been replaced."""
        now = {kind: reflector.interruptions for kind, reflector in self._parts.own_watches.items()}
        before, self._interruptions = self._interruptions, now
        return {kind for kind, number in now.items() if number != before.get(kind, 0)}

    async def _drain(self, working: asyncio.Task[None]) -> None:
        """Start no more reconciliations, and let those in progress finish."""
        self._parts.state.queue.close()
        await self._parts.reconciliations.drained(STOP_SECONDS)
        await self._parts.events.drained(EVENT_SECONDS)
        working.cancel()


async def _first(*awaitables: Awaitable[object]) -> None:
    """Wait until the first of them ends."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises ConfigurationError if there is no usable API server, OSError if the port is taken, and LeadershipLostError if
    another process leads, or may lead.
    """
    _tune_garbage_collector()
    _stop_looking_for_sniffio()
    _raise_file_limit()
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        leadership = await stack.enter_async_context(candidacy(settings))
        may_write = always if leadership is None else lambda: leadership.is_leader
        client = await Client.by(settings.credentials, may_write=may_write)
        await stack.enter_async_context(client)
        operator = Operator(settings, Assembly(settings, client, leadership), leadership)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await operator.run(stop)
    logger.info("stopped")


def _tune_garbage_collector() -> None:
    """Exclude long-lived objects from garbage collection.

    With short-lived JSON, scanning them costs a third of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _stop_looking_for_sniffio() -> None:
    """Let Python know that there is no such package.

    httpcore imports it again for each lock and event (`httpcore._synchronization`), and a failed import looks through
    all directories: a quarter of the CPU of a listing, and 9 % of that at rest.
    """
    if importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment] # as documented for a module that is not to be imported


def _raise_file_limit() -> None:
    """Allow as many clients as the system does: each namespace has watches, and each slow server holds one."""
    _, most = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (most, most))
