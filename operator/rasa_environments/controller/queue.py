"""A level-triggered work queue: each object once, never twice at the same time, in turns by namespace.

A reconciliation needs one of a few slots. It gives its slot back while it waits for an external server, so that a slow
one delays nobody.
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
from typing import NamedTuple

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.retries import Retries
from rasa_environments.controller.turns import Turns

BACKOFF = Backoff(first=0.5, longest=60.0)
SLOTS = 16
"""Concurrent reconciliations, not counting those that wait outside."""
NAMESPACE_LIMIT = 16
"""Concurrent reconciliations of one namespace, including those that wait outside: bounds memory and connections."""
TOTAL_LIMIT = 256
"""Concurrent reconciliations of all namespaces, above which each namespace may have fewer, but always one."""


class Kind(StrEnum):
    """The kinds of objects that are reconciled."""

    MODEL_SERVER = "ModelServer"
    DEPLOYMENT_ENVIRONMENT = "DeploymentEnvironment"
    MODEL_TAG = "ModelTag"


class Request(NamedTuple):
    """A request to reconcile an object. A tuple for its hash, as `ObjectKey`."""

    kind: Kind
    key: ObjectKey

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


@dataclass(frozen=True)
class Result:
    """The result of a reconciliation."""

    requeue_after: float | None = None
    """Seconds until the next reconciliation without an event."""
    failed: bool = False
    """Whether to retry with backoff."""
    outage: bool = False
    """Whether the API server caused the failure, so that others may fail, too."""
    longest: float = BACKOFF.longest
    """Maximum seconds of the backoff."""


DONE = Result()
FAILED = Result(failed=True)
OUTAGE = Result(failed=True, outage=True)


@dataclass
class _Running:
    """A reconciliation in progress."""

    namespace: str
    has_slot: bool = True


Resumption = tuple[_Running, "asyncio.Future[None]"]


class WorkQueue:
    """Requests, merged while they wait, held back while their object is reconciled, taken in turns by namespace."""

    def __init__(self, retries: Retries | None = None) -> None:
        self._ready: Turns[Request] = Turns()
        self._resuming: Turns[Resumption] = Turns()
        self._waiting: dict[Request, float] = {}
        """Start of each wait (time.monotonic()); the first has waited longest."""
        self._running: dict[Request, _Running] = {}
        self._started: Counter[str] = Counter()
        """By namespace: number of reconciliations in progress."""
        self._again: set[Request] = set()
        self._timers: dict[Request, asyncio.TimerHandle] = {}
        self._failures: dict[Request, int] = {}
        self._retries = retries or Retries()
        """When failures are retried."""
        self._free_slots = 0
        self._started_at: float | None = None
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def oldest_wait(self) -> float:
        """Return how many seconds the first request has waited; 0 if none waits or this process does not lead."""
        since = next(iter(self._waiting.values()), None)
        if since is None or self._started_at is None:
            return 0.0
        return time.monotonic() - max(since, self._started_at)

    def is_running(self, request: Request) -> bool:
        """Return whether the object is being reconciled."""
        return request in self._running

    def close(self) -> None:
        """Accept no more requests, and start none; reconciliations in progress continue."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._retries.close()

    def add(self, request: Request) -> None:
        """Request a reconciliation now; if the object is being reconciled, another one follows."""
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
        """Request a reconciliation after some seconds, unless one is due earlier; any earlier request replaces it."""
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
        """Discard what is known about an object that is gone."""
        self._cancel_timer(request)
        self._failures.pop(request, None)
        self._retries.forget(request)

    async def run(self, handle: Callable[[Request], Awaitable[Result]], slots: int = SLOTS) -> None:
        """Reconcile with that many slots until cancelled, which ends the queue for good.

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
                    await asyncio.sleep(0)  # One or two per turn of the event loop, so that others get theirs.
                else:
                    self._changed.clear()
                    await self._changed.wait()

    @asynccontextmanager
    async def outside(self, request: Request, *, until: float | None = None) -> AsyncIterator[None]:
        """Release the slot of the request's reconciliation while the block waits for an external server.

        The slot is reacquired afterwards, except if the task is cancelled. Reconciliations that the queue did not start
        have none. Raises TimeoutError if the block has not ended by `until` (time of the event loop).
        """
        running = self._running.get(request)
        if running is None or not running.has_slot:
            async with asyncio.timeout_at(until):
                yield
            return
        self._give_back(running)
        try:
            async with asyncio.timeout_at(until):
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
        """Take a slot for the next request; return None if no slot is free, or none may start."""
        if self._closed or not self._free_slots:
            return None
        limit = max(1, min(NAMESPACE_LIMIT, TOTAL_LIMIT // max(1, len(self._started))))
        request = self._ready.take(lambda namespace: self._started[namespace] < limit)
        if request is not None:
            self._free_slots -= 1
            self._started[request.key.namespace] += 1
        return request

    def _resume_next(self) -> bool:
        """Give a slot to the next reconciliation that returns from outside."""
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
