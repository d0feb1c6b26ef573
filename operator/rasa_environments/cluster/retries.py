"""Retries with individual backoff, all of which are tried at once when the API server is back.

A backoff of minutes would outlast a short outage, and a short one would cause a storm where hundreds wait. So failures
caused by the API server also take turns: every few seconds one of them is retried. When one succeeds, all are retried
at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from rasa_environments.cluster.backoff import Backoff

TURNS: Final = Backoff(first=1.0, longest=4.0)
"""Time between two turns while none succeeds."""
ROUND_SECONDS: Final = 5.0
"""Minimum time between two retries of all, so that intermittent failures do not keep all others busy."""


@dataclass(frozen=True)
class _Waiting:
    retry: Callable[[], None]
    timer: asyncio.TimerHandle
    takes_turns: bool


class Retries:
    """Retries by key; `retry` is called once, in the event loop that scheduled it."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, _Waiting] = {}
        """In the order in which they take turns."""
        self._failed_in: dict[Hashable, int] = {}
        """The round in which a key failed because of the API server."""
        self._round = 0
        """How often all were retried at once."""
        self._next_round = 0.0
        """When all may be retried at once (time of the event loop)."""
        self._postponed: asyncio.TimerHandle | None = None
        """The round that is due then."""
        self._turns = 0
        """Number of consecutive turns."""
        self._turn: asyncio.TimerHandle | None = None

    def schedule(self, key: Hashable, seconds: float, retry: Callable[[], None], *, takes_turns: bool) -> None:
        """Call `retry` after at most that many seconds, instead of what is scheduled for the key.

        `takes_turns`: the API server caused the failure, so others may have failed, too.
        """
        self.cancel(key)
        timer = asyncio.get_running_loop().call_later(seconds, self._run, key)
        self._waiting[key] = _Waiting(retry, timer, takes_turns)
        if takes_turns:
            self._failed_in[key] = self._round
            if self._turn is None:
                self._next_turn()

    def due(self, key: Hashable) -> float | None:
        """Return when the key is retried at the latest (time of the event loop); None if it is not waiting."""
        waiting = self._waiting.get(key)
        return None if waiting is None else waiting.timer.when()

    def cancel(self, key: Hashable) -> None:
        """Cancel the retry of the key."""
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            waiting.timer.cancel()

    def forget(self, key: Hashable) -> None:
        """Discard a key that is no longer needed."""
        self.cancel(key)
        self._failed_in.pop(key, None)

    def succeeded(self, key: Hashable) -> None:
        """Record a success. If the key had failed because of the API server, all others are retried at once.

        Those that fail again wait for their own time: only the first success after a common failure triggers the
        others.
        """
        if self._failed_in.pop(key, None) != self._round or self._postponed is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_round:
            self._run_all()
        else:
            self._postponed = loop.call_at(self._next_round, self._run_all)

    def _run_all(self) -> None:
        self._postponed = None
        self._next_round = asyncio.get_running_loop().time() + ROUND_SECONDS
        self._round += 1
        self._turns = 0
        for key in list(self._waiting):
            self._run(key)

    def close(self) -> None:
        """Cancel all retries."""
        for key in list(self._waiting):
            self.cancel(key)
        self._failed_in.clear()
        for timer in (self._turn, self._postponed):
            if timer is not None:
                timer.cancel()
        self._turn = self._postponed = None

    async def wait(self, key: Hashable, seconds: float, *, takes_turns: bool = True) -> None:
        """Wait until it is time to retry."""
        due = asyncio.Event()
        self.schedule(key, seconds, due.set, takes_turns=takes_turns)
        try:
            await due.wait()
        finally:
            self.cancel(key)

    def _run(self, key: Hashable) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            waiting.timer.cancel()
            waiting.retry()

    def _next_turn(self) -> None:
        self._turns += 1
        self._turn = asyncio.get_running_loop().call_later(TURNS.seconds(self._turns), self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        key = next((key for key, waiting in self._waiting.items() if waiting.takes_turns), None)
        if key is None:
            self._turns = 0
            return
        self._next_turn()
        self._run(key)
