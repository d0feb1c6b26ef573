"""What the operator knows of each resource that it follows: three facts, for its own kinds and all others alike."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from rasa_environments.cluster.errors import ApiError


class Watch(Protocol):
    """One resource that is followed; `/readyz` reads these facts."""

    @property
    def name(self) -> str:
        """What is followed, for people: `configmaps`."""

    @property
    def synced(self) -> asyncio.Event:
        """Set once everything has been listed."""

    @property
    def last_contact(self) -> float:
        """When (`time.monotonic()`) the API server was last heard: a list, an event, or a bookmark (one a minute)."""

    @property
    def failure(self) -> str | None:
        """Why changes do not come at present; None if they do. The next contact clears it."""

    async def run(self) -> None:
        """Follow until cancelled."""


class Contact:
    """The facts of one connection, as whoever holds it notes them."""

    def __init__(self) -> None:
        self.synced = asyncio.Event()
        self.last_contact = time.monotonic()
        self.failure: str | None = None
        self._error: ApiError | None = None
        self._noted = asyncio.Event()

    def heard(self) -> None:
        """The API server has answered, or has told of a change."""
        self.last_contact = time.monotonic()
        self.failure = self._error = None

    def listed(self) -> None:
        """Everything has been listed."""
        self.heard()
        self.synced.set()
        self._note()

    def failed(self, error: ApiError) -> None:
        """The connection is lost, or was refused."""
        self.failure = str(error)
        self._error = error
        self._note()

    @property
    def is_missing(self) -> bool:
        """Whether the API server does not know the resource."""
        return self._error is not None and self._error.status == 404

    async def ready(self) -> None:
        """Return once everything has been listed; raises the `ApiError` of the last attempt if it has not."""
        while not self.synced.is_set():
            if self._error is not None:
                raise self._error
            await self._noted.wait()

    def _note(self) -> None:
        self._noted.set()
        self._noted = asyncio.Event()
