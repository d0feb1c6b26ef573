"""A level-triggered queue: which objects want a look, each once, never two looks at one object at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from rasa_environments.api.base import ObjectKey

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 60.0


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

    again_after: float | None = None
    """Seconds until the next look, without being asked."""
    failed: bool = False
    """Whether to look again after a time that grows with every failure in a row."""


DONE = Result()
FAILED = Result(failed=True)


def backoff_seconds(failures: int, jitter: float) -> float:
    """Seconds to wait after `failures` failures in a row; `jitter` from 0 to 1 spreads those that fail together."""
    longest: float = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 16))
    return longest * (0.5 + jitter / 2)


class WorkQueue:
    """Requests in the order they came, coalesced while they wait, held back while their object is worked on."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[Request] = asyncio.Queue()
        self._waiting: set[Request] = set()
        self._active: set[Request] = set()
        self._again: set[Request] = set()
        self._timers: dict[Request, asyncio.TimerHandle] = {}
        self._failures: dict[Request, int] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        """Takes nothing more, and gives nothing more out."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def add(self, request: Request) -> None:
        """Asks for a look now. While the object is worked on, one more look follows."""
        self._cancel_timer(request)
        if self._closed:
            return
        if request in self._active:
            self._again.add(request)
        elif request not in self._waiting:
            self._waiting.add(request)
            self._ready.put_nowait(request)

    def add_later(self, request: Request, seconds: float) -> None:
        """Asks for a look after some seconds, unless an earlier one is due; any look in between replaces it."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(request)
        if timer is not None and timer.when() <= loop.time() + seconds:
            return
        self._cancel_timer(request)
        self._timers[request] = loop.call_later(seconds, self.add, request)

    def forget(self, request: Request) -> None:
        """Drops what is remembered of an object that is gone."""
        self._cancel_timer(request)
        self._failures.pop(request, None)

    async def work(self, handle: Callable[[Request], Awaitable[Result]]) -> None:
        """Works requests off, one at a time, until it is cancelled. Any number of workers may do so at once."""
        while True:
            request = await self._ready.get()
            if self._closed:
                continue
            self._waiting.discard(request)
            self._active.add(request)
            result = FAILED
            try:
                result = await handle(request)
            finally:
                self._finish(request, result)

    def _finish(self, request: Request, result: Result) -> None:
        self._active.discard(request)
        failures = self._failures.pop(request, 0) + 1 if result.failed else 0
        if failures:
            self._failures[request] = failures
        else:
            self._failures.pop(request, None)
        if request in self._again:
            self._again.discard(request)
            self.add(request)
        elif failures:
            self.add_later(request, backoff_seconds(failures, random.random()))  # noqa: S311
        elif result.again_after is not None:
            self.add_later(request, result.again_after)

    def _cancel_timer(self, request: Request) -> None:
        timer = self._timers.pop(request, None)
        if timer is not None:
            timer.cancel()
