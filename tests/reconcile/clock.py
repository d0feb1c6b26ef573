"""An event loop whose time passes at once: timers run in order, without waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class ImpatientLoop(asyncio.SelectorEventLoop):
    """If nothing is left to do except wait for a timer, its time has come."""

    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Seconds on this loop's own clock, from 0."""
        return self.passed


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: ImpatientLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise AssertionError("the test waits for what never comes")
        self._loop.passed += timeout
        return []


def run(test: Coroutine[Any, Any, Result]) -> Result:
    """Return the coroutine's result, run on its own clock."""
    with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
        return runner.run(test)


async def settled() -> None:
    """Wait until every task has done what it can do now."""
    for _ in range(20):
        await asyncio.sleep(0)
