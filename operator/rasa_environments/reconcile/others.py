"""Detection of other operators that work on the same objects."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from rasa_environments.controller.queue import Request

logger = logging.getLogger(__name__)

LOG_SECONDS: Final = 600.0
"""Seconds between two warnings: two operators interfere at every change of an object."""


class OtherOperators:
    """Warns of other operators, and counts each encounter by `count`."""

    def __init__(self, count: Callable[[], None] = lambda: None) -> None:
        self._count = count
        self._warned_at = -LOG_SECONDS

    def met(self, request: Request) -> None:
        """Record that another operator has written the status of a managed object."""
        self._count()
        now = time.monotonic()
        if now - self._warned_at < LOG_SECONDS:
            return
        self._warned_at = now
        logger.warning(
            "another operator works on the same objects: it has just written the status of %s. Run one alone, several"
            " replicas with --leader-elect and one Lease, or each with a --namespace of its own",
            request,
        )
