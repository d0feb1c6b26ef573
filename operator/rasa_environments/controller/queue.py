"""A level-triggered queue: which objects are to be reconciled, each once, never twice at a time, in turns by namespace.

A reconciliation needs one of a few slots. It gives its slot back while it waits for a server of somebody else, so that
a slow one holds up nobody.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.retries import Retries
from rasa_environments.controller.turns import Turns

BACKOFF = Backoff(first=0.5, longest=60.0)
SLOTS = 16
"""Reconciliations at a time, without those that wait outside."""
NAMESPACE_LIMIT = 16
"""Reconciliations of one namespace at a time, with those that wait outside: a bound on memory and connections."""
TOTAL_LIMIT = 256
"""Reconciliations of all namespaces at a time, above which each namespace may have fewer, but always one."""


class Kind(StrEnum):
    """The kinds of objects that are reconciled."""

    MODEL_SERVER = "ModelServer"
    DEPLOYMENT_ENVIRONMENT = "DeploymentEnvironment"
    MODEL_TAG = "ModelTag"


@dataclass(frozen=True)
class Request:
    """Please look at this object."""

    kind: Kind
    key: ObjectKey

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


@dataclass(frozen=True)
class Result:
    """What a pass asks for."""

    requeue_after: float | None = None
    """Seconds until the next look, without being asked."""
    failed: bool = False
    """Whether to look again after a time that grows with every failure in a row."""
    outage: bool = False
    """Whether it failed because of the API server, and so others may, too."""
    longest: float = BACKOFF.longest
    """Seconds that this time does not exceed."""


DONE = Result()
FAILED = Result(failed=True)
OUTAGE = Result(failed=True, outage=True)


@dataclass
class _Running:
    """A reconciliation that has begun."""

    namespace: str
    has_slot: bool = True


Resumption = tuple[_Running, "asyncio.Future[None]"]


class WorkQueue:
    """Requests, coalesced while they wait, held back while their object is reconciled, taken in turns by namespace."""

    def __init__(self, retries: Retries | None = None) -> None:
        self._ready: Turns[Request] = Turns()
        self._resuming: Turns[Resumption] = Turns()
        self._waiting: dict[Request, float] = {}
        """Since when (time.monotonic()); the first waits for longest."""
        self._running: dict[Request, _Running] = {}
        self._started: Counter[str] = Counter()
        """By namespace: reconciliations that have been started and have not ended."""
        self._again: set[Request] = set()
        self._timers: dict[Request, asyncio.TimerHandle] = {}
        self._failures: dict[Request, int] = {}
        self._retries = retries or Retries()
        """When what failed is tried again."""
        self._free_slots = 0
        self._started_at: float | None = None
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def oldest_wait(self) -> float:
        """Seconds that the first in the queue has waited; 0 where none does, and where this process does not lead."""
        since = next(iter(self._waiting.values()), None)
        if since is None or self._started_at is None:
            return 0.0
        return time.monotonic() - max(since, self._started_at)

    def is_running(self, request: Request) -> bool:
        """Whether the object is being reconciled at this moment."""
        return request in self._running

    def close(self) -> None:
        """Takes no more requests, and starts none; what has begun goes on."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._retries.close()

    def add(self, request: Request) -> None:
        """Asks for a reconciliation now. While the object is reconciled, one more follows."""
        self._cancel_timer(request)
        if self._closed:
            return
        if request in self._running:
            self._again.add(request)
        elif request not in self._waiting:
            self._waiting[request] = time.monotonic()
            self._ready.add(request.key.namespace, request)
            self._changed.set()

    def add_later(self, request: Request, seconds: float) -> None:
        """Asks for one after some seconds, unless an earlier one is due; any in between replaces it."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(request)
        due = self._retries.due(request) if timer is None else timer.when()
        if due is not None and due <= loop.time() + seconds:
            return
        self._cancel_timer(request)
        self._timers[request] = loop.call_later(seconds, self.add, request)

    def forget(self, request: Request) -> None:
        """Drops what is remembered of an object that is gone."""
        self._cancel_timer(request)
        self._failures.pop(request, None)
        self._retries.forget(request)

    async def run(self, handle: Callable[[Request], Awaitable[Result]], slots: int = SLOTS) -> None:
        """Reconciles with so many slots until it is cancelled, which ends it for good.

        Raises an ExceptionGroup of what `handle` raises.
        """
        self._free_slots = slots
        self._started_at = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            while True:
                resumed = self._resume_next()
                request = self._next_start()
                if request is not None:
                    tasks.create_task(self._reconcile(request, handle))
                if resumed or request is not None:
                    await asyncio.sleep(0)  # One or two in a turn of the event loop, which has others to serve.
                else:
                    self._changed.clear()
                    await self._changed.wait()

    @asynccontextmanager
    async def outside(self, request: Request) -> AsyncIterator[None]:
        """While the block waits for a server of somebody else, the slot of the request's reconciliation is free.

        Returns with a slot again, except where the task is cancelled. Without effect on what the queue has not started.
        """
        running = self._running.get(request)
        if running is None or not running.has_slot:
            yield
            return
        self._give_back(running)
        try:
            yield
        except asyncio.CancelledError:
            raise
        except BaseException:
            await self._take_slot(running)
            raise
        await self._take_slot(running)

    async def _reconcile(self, request: Request, handle: Callable[[Request], Awaitable[Result]]) -> None:
        self._waiting.pop(request, None)
        running = self._running[request] = _Running(request.key.namespace)
        result = FAILED
        try:
            result = await handle(request)
        finally:
            self._give_back(running)
            self._finish(request, result)

    def _next_start(self) -> Request | None:
        """Takes a slot for the next request; None where no slot is free, or nobody may start."""
        if self._closed or not self._free_slots:
            return None
        limit = max(1, min(NAMESPACE_LIMIT, TOTAL_LIMIT // max(1, len(self._started))))
        request = self._ready.take(lambda namespace: self._started[namespace] < limit)
        if request is not None:
            self._free_slots -= 1
            self._started[request.key.namespace] += 1
        return request

    def _resume_next(self) -> bool:
        """Gives the next reconciliation that comes back from outside a slot."""
        resumption = self._resuming.take(lambda _: True) if self._free_slots else None
        if resumption is None:
            return False
        running, go_on = resumption
        if not go_on.done():
            self._free_slots -= 1
            running.has_slot = True
            go_on.set_result(None)
        return True

    async def _take_slot(self, running: _Running) -> None:
        go_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._resuming.add(running.namespace, (running, go_on))
        self._changed.set()
        await go_on

    def _give_back(self, running: _Running) -> None:
        if running.has_slot:
            running.has_slot = False
            self._free_slots += 1
            self._changed.set()

    def _finish(self, request: Request, result: Result) -> None:
        del self._running[request]
        namespace = request.key.namespace
        self._started[namespace] -= 1
        if not self._started[namespace]:
            del self._started[namespace]
        self._changed.set()
        before = self._failures.pop(request, 0)
        failures = before + 1 if result.failed else 0
        if failures:
            self._failures[request] = failures
        if self._closed:
            return
        if not result.outage:
            self._retries.succeeded(request)
        if request in self._again:
            self._again.discard(request)
            self.add(request)
        elif failures:
            seconds = min(result.longest, BACKOFF.seconds(failures, random.random()))  # noqa: S311
            self._retries.schedule(request, seconds, lambda: self.add(request), takes_turns=result.outage)
        elif result.requeue_after is not None:
            self.add_later(request, result.requeue_after)

    def _cancel_timer(self, request: Request) -> None:
        self._retries.cancel(request)
        timer = self._timers.pop(request, None)
        if timer is not None:
            timer.cancel()
