"""Limits on concurrent uploads: each takes memory, and a thread while it is inspected."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from rasa_model_server.errors import ApiError


@dataclass(frozen=True)
class UploadLimits:
    """How many uploads are received at a time, and how many requests of one caller wait for their turn."""

    total: int = 8
    of_one_caller: int = 4
    waiting_of_one_caller: int = 16
    wait_seconds: float = 30.0


class UploadSlots:
    """Admits uploads, for each caller only as many as leave room for others."""

    def __init__(self, limits: UploadLimits | None = None) -> None:
        self._limits = limits or UploadLimits()
        self._running: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._freed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def taken_by(self, caller: str) -> AsyncIterator[None]:
        """Hold a slot. Waits for one, up to 30 seconds.

        Raises ApiError (429) if none becomes free in time, or too many uploads of the caller wait already.
        """
        if self._waiting[caller] >= self._limits.waiting_of_one_caller:
            raise _too_many()
        await self._take(caller)
        try:
            yield
        finally:
            self._running -= Counter({caller: 1})
            async with self._freed:
                self._freed.notify_all()

    async def _take(self, caller: str) -> None:
        self._waiting[caller] += 1
        try:
            async with asyncio.timeout(self._limits.wait_seconds), self._freed:
                await self._freed.wait_for(lambda: self._is_free_for(caller))
                self._running[caller] += 1
        except TimeoutError:
            raise _too_many() from None
        finally:
            self._waiting -= Counter({caller: 1})

    def _is_free_for(self, caller: str) -> bool:
        free = self._running.total() < self._limits.total
        return free and self._running[caller] < self._limits.of_one_caller


def _too_many() -> ApiError:
    message = "too many uploads are under way: try again later"
    return ApiError(429, "TooManyUploads", message, {"Retry-After": "10", "Connection": "close"})
