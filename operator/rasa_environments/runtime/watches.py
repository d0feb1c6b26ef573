"""What the operator watches, and whether it sees it: one truth for every kind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from rasa_environments.cluster.watch import Watch

STALE_SECONDS: Final = 57.0
"""A watch that has not ended after 55 s is taken for dead (`Client.watch`): one without contact for longer is blind."""

DENIAL_SECONDS: Final = 0.5
"""Between two looks whether a watch that has not listed anything yet is refused."""


def unwatched(watches: Iterable[Watch], now: float) -> str | None:
    """Which kinds are not being watched at `now` (time.monotonic), and why; None where all are."""
    problems = [problem for watch in watches if (problem := _problem(watch, now)) is not None]
    return "; ".join(problems) or None


def _problem(watch: Watch, now: float) -> str | None:
    if watch.failure is not None:
        return f"{watch.name}: {watch.failure}"
    if not watch.synced.is_set():
        return f"{watch.name}: not all are listed yet"
    stale = now - watch.last_contact
    return f"{watch.name}: no contact with the API server for {stale:.0f} s" if stale > STALE_SECONDS else None


class Watches:
    """All watches, by what they watch.

    The operator works without those of `dispensable` where it has no right to them.
    """

    def __init__(self, watches: Mapping[str, Watch], dispensable: Collection[str] = ()) -> None:
        self._watches = watches
        self._dispensable = dispensable

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Starts to watch everything; each task goes on until it is cancelled."""
        return [tasks.create_task(watch.run(), name=f"watch of {name}") for name, watch in self._watches.items()]

    async def synced(self) -> None:
        """Returns once everything was listed that may be."""
        for name, watch in self._watches.items():
            while not watch.synced.is_set() and not self._is_denied(name, watch):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(watch.synced.wait(), DENIAL_SECONDS)

    def ages(self) -> Mapping[str, float]:
        """Seconds since the last contact with the API server, by what is watched."""
        now = time.monotonic()
        return {name: now - watch.last_contact for name, watch in self._watches.items()}

    def problem(self) -> str | None:
        """What is not being watched now, and why."""
        needed = [watch for name, watch in self._watches.items() if not self._is_denied(name, watch)]
        return unwatched(needed, time.monotonic())

    def _is_denied(self, name: str, watch: Watch) -> bool:
        """Whether the API server refuses the operator a watch that it can do without."""
        return name in self._dispensable and (watch.failure or "").startswith("Forbidden")
