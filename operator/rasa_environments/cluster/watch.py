"""What is known of every watch, whatever it watches."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Watch(Protocol):
    """Something of the API server that is watched."""

    @property
    def name(self) -> str:
        """What is watched, for people."""

    @property
    def synced(self) -> asyncio.Event:
        """Set once everything has been listed."""

    @property
    def last_contact(self) -> float:
        """time.monotonic() of the last sign of life."""

    @property
    def failure(self) -> str | None:
        """What is wrong now; None where nothing is."""

    async def run(self) -> None:
        """Watches until it is cancelled."""
