"""Reconciliations under way: started, counted, ended at a deadline, and never the end of the operator."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import ApiError
from rasa_environments.reconcile.contents import Contents
from rasa_environments.reconcile.queue import FAILED, Kind, Request, Result
from rasa_environments.runtime.metrics import Metrics

logger = logging.getLogger(__name__)

HUNG_SECONDS: Final = 300.0
"""A reconciliation is cancelled long before this: one that goes on all the same hangs."""

Reconcile = Callable[[ObjectKey], Awaitable[Result]]


class Reconciliations:
    """Reads each requested object if need be, and reconciles it."""

    def __init__(self, reconcilers: Mapping[Kind, Reconcile], contents: Contents, metrics: Metrics) -> None:
        self._reconcilers = reconcilers
        self._contents = contents
        self._metrics = metrics
        self._started: dict[Request, float] = {}

    async def handle(self, request: Request) -> Result:
        """One reconciliation. Nothing that goes wrong in it ends the operator."""
        self._started[request] = time.monotonic()
        started, result = perf_counter(), None
        try:
            await self._contents.refresh(request)
            result = await self._reconcilers[request.kind](request.key)
        except ApiError as error:
            level = logging.DEBUG if error.status == 409 else logging.WARNING  # 409: it has changed meanwhile
            logger.log(level, "%s: %s", request, error)
        except Exception:
            logger.exception("%s: the pass broke down, which is a fault of the operator; it tries again", request)
        finally:
            del self._started[request]
            self._metrics.passed(request, result, started)
        return FAILED if result is None else result

    def hung(self) -> str | None:
        """What only a restart would mend."""
        now = time.monotonic()
        for request, started in self._started.items():
            if now - started > HUNG_SECONDS:
                return f"the reconciliation of {request} has hung for {now - started:.0f} s"
        return None

    async def drained(self, seconds: float) -> None:
        """Returns when none is under way, or after so many seconds."""
        deadline = time.monotonic() + seconds
        while self._started and time.monotonic() < deadline:  # noqa: ASYNC110 - once per process
            await asyncio.sleep(0.02)
