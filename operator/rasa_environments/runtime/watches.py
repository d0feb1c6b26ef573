"""The watches of the operator, and whether they work, in the same way for all kinds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from rasa_environments.cluster.watch import Watch

STALE_SECONDS: Final = 57.0
"""A watch that is open after 55 s is considered dead (`Client.watch`), so one without contact for longer sees
nothing."""

DENIAL_SECONDS: Final = 0.5
"""Seconds between two checks whether a watch that has not listed anything yet is denied."""


def unwatched(watches: Iterable[Watch], now: float) -> str | None:
    """Return which kinds are not watched at `now` (time.monotonic), and why; None if all are."""
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
    """All watches, by resource.

    The operator works without those in `dispensable` if it has no right to them.
    """

    def __init__(self, watches: Mapping[str, Watch], dispensable: Collection[str] = ()) -> None:
        self._watches = watches
        self._dispensable = dispensable

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start all watches; each task runs until it is cancelled."""
        return [tasks.create_task(watch.run(), name=f"watch of {name}") for name, watch in self._watches.items()]

    async def synced(self) -> None:
        """Wait until everything is listed that may be listed."""
        for name, watch in self._watches.items():
            while not watch.synced.is_set() and not self._is_denied(name, watch):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(watch.synced.wait(), DENIAL_SECONDS)

    def ages(self) -> Mapping[str, float]:
        """Return the seconds since the last contact with the API server, by resource."""
        now = time.monotonic()
        return {name: now - watch.last_contact for name, watch in self._watches.items()}

    def problem(self) -> str | None:
        """Return what is not being watched now, and why."""
        needed = [watch for name, watch in self._watches.items() if not self._is_denied(name, watch)]
        return unwatched(needed, time.monotonic())

    def _is_denied(self, name: str, watch: Watch) -> bool:
        """Return whether the API server denies a watch that the operator can do without."""
        return name in self._dispensable and (watch.failure or "").startswith("Forbidden")
