"""What the operator knows of each resource that it watches: three facts, for its own kinds and all others alike."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final, Protocol

from rasa_environments.cluster.errors import ApiError

log = logging.getLogger(__name__)

_LOG_SECONDS: Final = 60.0


class Watch(Protocol):
    """One resource that is watched; `/readyz` reads these facts."""

    @property
    def name(self) -> str:
        """What is watched, for people: `configmaps`."""

    @property
    def synced(self) -> asyncio.Event:
        """Set once everything has been listed."""

    @property
    def last_contact(self) -> float:
        """When (`time.monotonic()`) the API server was last heard: a list, an event, or the end of a watch."""

    @property
    def failure(self) -> str | None:
        """Why changes do not come at present; None if they do."""

    async def run(self) -> None:
        """Watch until cancelled."""


class Contact:
    """The facts of one connection, as whoever holds it notes them; `name` is what is watched, for the log.

    The log says when contact is lost and when it is regained, at most once a minute: a server that comes and goes must
    not fill it.
    """

    def __init__(self, name: str) -> None:
        self.synced = asyncio.Event()
        self.last_contact = time.monotonic()
        self.failure: str | None = None
        self._name = name
        self._lost_at = 0.0
        self.error: ApiError | None = None
        self._noted = asyncio.Event()
        self._logged_at = -_LOG_SECONDS
        self._is_logged = False

    def heard(self) -> None:
        """The API server has answered. That alone does not mean that changes come."""
        self.last_contact = time.monotonic()

    def listed(self) -> None:
        """Everything has been listed."""
        self.heard()
        self.synced.set()
        self._note()

    def watching(self) -> None:
        """Changes come."""
        self.heard()
        if self._is_logged:
            log.info("watching %s again, after %.0f s", self._name, self.last_contact - self._lost_at)
        self.failure = self.error = None
        self._is_logged = False

    def failed(self, error: ApiError) -> None:
        """The connection is lost, or was refused."""
        now = time.monotonic()
        if self.error is None:
            self._lost_at = now
        is_news = self.error is None or self.error.reason != error.reason
        # A watch that has only expired (410) is opened again at once, and not worth a line.
        if is_news and error.status != 410 and now - self._logged_at >= _LOG_SECONDS:
            self._logged_at, self._is_logged = now, True
            log.warning("watching %s was interrupted; retrying with backoff: %s", self._name, error)
        self.failure = str(error)
        self.error = error
        self._note()

    def stopped(self) -> None:
        """Nobody watches any more."""
        self.error = ApiError(0, "Stopped", f"{self._name} are not watched any more")
        self.failure = str(self.error)
        self._note()

    @property
    def is_missing(self) -> bool:
        """Whether the API server does not know the resource."""
        return self.error is not None and self.error.status == 404

    async def ready(self) -> None:
        """Return once everything has been listed; raises the `ApiError` of the last attempt if it has not."""
        while not self.synced.is_set():
            if self.error is not None:
                raise self.error
            await self._noted.wait()

    def _note(self) -> None:
        self._noted.set()
        self._noted = asyncio.Event()
