"""Asks a Rasa server with several worker processes until each of them has reported what it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rasa_environments.rasa.server import Served

PROBES_PER_WORKER = 16
"""Maximum requests per worker: with random distribution, one of eight workers is missed twice in a million times."""
MOST_PROBES = 256
ASKED_AT_ONCE = 4
"""Concurrent clients to a server: if several wait, more than one worker handles them."""


@dataclass(frozen=True)
class Unheard:
    """Not every worker process has answered, and those that did serve the desired model."""

    served: Served
    workers: int | None
    heard: int | None
    """Number of workers that did; None if the server does not identify them."""

    @property
    def message(self) -> str:
        """Why it is unknown what the server serves, and what to do."""
        number = "several" if self.workers is None else str(self.workers)
        several = f"it runs {number} worker processes (SANIC_WORKERS), each with a model of its own"
        advice = (
            "set spec.model.updateStrategy to RollingUpdate, with which a pod that started for the model serves it in "
            "every worker"
        )
        if self.heard is None:
            return f"{several}, and does not tell which of them answers, so that one answer proves nothing: {advice}"
        if self.workers is None:
            return (
                f"{several}, whose number a reference in podTemplate hides, so that it is not known when all have "
                f"answered: write the number as a plain value, or {advice}"
            )
        heard = f"{self.heard} of them have said what they serve"
        return f"{several}, and {heard}: it is asked again; if that lasts, {advice}"


async def ask_workers(
    ask: Callable[[], Awaitable[Served]], workers: int | None, is_wanted: Callable[[Served], bool]
) -> Served | Unheard:
    """Return the first answer without the desired model, or the last one once every worker serves it.

    `ask` uses a connection of its own each time. Raises its errors, unless another answer is conclusive.
    """
    heard: set[int] = set()
    most = ASKED_AT_ONCE if workers is None else min(workers * PROBES_PER_WORKER, MOST_PROBES)
    asked = 0
    while True:
        now = min(ASKED_AT_ONCE, most - asked)
        asked += now
        results = await asyncio.gather(*(ask() for _ in range(now)), return_exceptions=True)
        answers = [served for served in results if isinstance(served, Served)]
        for served in answers:
            if not is_wanted(served):
                return served
        for error in results:
            if isinstance(error, BaseException):
                raise error
        if any(served.worker_pid is None for served in answers):
            return Unheard(answers[-1], workers, None)
        heard.update(served.worker_pid for served in answers if served.worker_pid is not None)
        if workers is not None and len(heard) >= workers:
            return answers[-1]
        if asked >= most:
            return Unheard(answers[-1], workers, len(heard))
