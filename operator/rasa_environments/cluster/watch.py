"""The state of each watched resource: the same facts for the operator's own kinds and all others."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final, Protocol

from rasa_environments.cluster.errors import ApiError

logger = logging.getLogger(__name__)

_LOG_SECONDS: Final = 60.0


class Watch(Protocol):
    """A watched resource; `/readyz` reads these facts."""

    @property
    def name(self) -> str:
        """Name of the resource, for people: `configmaps`."""

    @property
    def synced(self) -> asyncio.Event:
        """Set once everything has been listed."""

    @property
    def last_contact(self) -> float:
        """Time (`time.monotonic()`) of the last contact with the API server.

        A list, an event, or the end of a watch.
        """

    @property
    def failure(self) -> str | None:
        """Why no changes arrive at present; None if they do."""

    async def run(self) -> None:
        """Watch until cancelled."""


class Contact:
    """The state of one connection; `name` is the watched resource, for the log.

    The log says when contact is lost and regained, at most once a minute: an unstable server must not fill it.
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
        """Record a response of the API server, which alone does not mean that changes arrive."""
        self.last_contact = time.monotonic()

    def listed(self) -> None:
        """Record that everything has been listed."""
        self.heard()
        self.synced.set()
        self._note()

    def watching(self) -> None:
        """Record that changes arrive."""
        self.heard()
        if self._is_logged:
            logger.info("watching %s again, after %.0f s", self._name, self.last_contact - self._lost_at)
        self.failure = self.error = None
        self._is_logged = False

    def failed(self, error: ApiError) -> None:
        """Record that the connection is lost, or was rejected."""
        now = time.monotonic()
        if self.error is None:
            self._lost_at = now
        is_news = self.error is None or self.error.reason != error.reason
        # An expired watch (410) is reopened at once, and not worth a line.
        if is_news and error.status != 410 and now - self._logged_at >= _LOG_SECONDS:
            self._logged_at, self._is_logged = now, True
            logger.warning("watching %s was interrupted; retrying with backoff: %s", self._name, error)
        self.failure = str(error)
        self.error = error
        self._note()

    def stopped(self) -> None:
        """Record that watching has stopped."""
        self.error = ApiError(0, "Stopped", f"{self._name} are no longer watched")
        self.failure = str(self.error)
        self._note()

    @property
    def is_missing(self) -> bool:
        """Whether the API server does not know the resource."""
        return self.error is not None and self.error.status == 404

    async def ready(self) -> None:
        """Wait until everything has been listed. Raises the ApiError of the last attempt if it failed."""
        while not self.synced.is_set():
            if self.error is not None:
                raise self.error
            await self._noted.wait()

    def _note(self) -> None:
        self._noted.set()
        self._noted = asyncio.Event()
