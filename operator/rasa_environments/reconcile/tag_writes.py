"""Tags that were set without effect: set again with backoff, however often the model server is listed meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.reconcile.ports import Connection

BACKOFF: Final = Backoff(first=1.0, longest=10.0)


@dataclass(frozen=True)
class TagWrite:
    """A tag to set; a changed one is tried at once: other credentials, another model, or one uploaded since."""

    connection: Connection
    tag: str
    model: str
    listed: TaggedModel | None
    """The model as the server lists it."""


@dataclass(frozen=True)
class _Failed:
    write: TagWrite
    problem: Problem
    accepted: bool
    times: int
    due: float


class TagWrites:
    """The failed writes by ModelTag."""

    def __init__(self) -> None:
        self._failed: dict[ObjectKey, _Failed] = {}

    def postponed(self, key: ObjectKey, write: TagWrite) -> Problem | None:
        """Return why this very write failed last time, if it is too early to retry; else None."""
        failed = self._failed.get(key)
        if failed is None or failed.write != write or asyncio.get_running_loop().time() >= failed.due:
            return None
        return failed.problem

    def was_accepted(self, key: ObjectKey, write: TagWrite) -> bool:
        """Return whether the server accepted this very write last time, but did not confirm its result."""
        failed = self._failed.get(key)
        return failed is not None and failed.write == write and failed.accepted

    def failed(self, key: ObjectKey, write: TagWrite, problem: Problem, *, accepted: bool) -> None:
        """Record that the write was rejected or had no effect, or was accepted with an unknown result."""
        before = self._failed.get(key)
        times = before.times + 1 if before is not None and before.write == write else 1
        due = asyncio.get_running_loop().time() + BACKOFF.seconds(times)
        self._failed[key] = _Failed(write, problem, accepted, times, due)

    def forget(self, key: ObjectKey) -> None:
        """Discard a write that succeeded, or whose ModelTag is gone."""
        self._failed.pop(key, None)

    def seconds_left(self, key: ObjectKey) -> float | None:
        """Return in how many seconds the failed write may be retried; None if there is nothing to wait for."""
        failed = self._failed.get(key)
        now = asyncio.get_running_loop().time()
        return None if failed is None or failed.due <= now else failed.due - now
