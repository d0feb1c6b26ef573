"""The reconciliations in progress: each has a deadline, and none ends the operator."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.errors import ApiError
from rasa_environments.controller.queue import DONE, FAILED, OUTAGE, Kind, Request, Result
from rasa_environments.reconcile.contents import Contents
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.runtime.log_context import reconciliation_of
from rasa_environments.runtime.metrics import Metrics

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 150.0
"""Deadline of a reconciliation. Its requests to other servers have shorter ones, which its conditions report."""
REPORT_SECONDS = 30.0
"""Deadline of the status write that reports a failure."""
HANGING_SECONDS = 300.0
"""Seconds after which a reconciliation hangs, although it was cancelled."""

Reconcile = Callable[[ObjectKey], Awaitable[Result]]


class Reconciliations:
    """Attempts to reconcile objects, each of which is first read if there is an unread version of it."""

    def __init__(
        self, reconcilers: Mapping[Kind, Reconcile], contents: Contents, unread: UnreadServers, metrics: Metrics
    ) -> None:
        self._reconcilers = reconcilers
        self._contents = contents
        self._unread = unread
        self._metrics = metrics
        self._started: dict[Request, float] = {}
        self._told: dict[Request, str] = {}
        """Why an object was not reconciled last time, as logged."""

    def hanging(self) -> str | None:
        """Return which reconciliation hangs, which only a restart would fix, or None."""
        now = perf_counter()
        for request, started in self._started.items():
            if now - started > HANGING_SECONDS:
                return f"the reconciliation of {request} hangs for {now - started:.0f} s"
        return None

    async def attempt(self, request: Request) -> Result:
        """Reconcile the object; if that fails or takes too long, it is retried."""
        with reconciliation_of(request):
            return await self._attempt(request)

    async def _attempt(self, request: Request) -> Result:
        started = self._started[request] = perf_counter()
        result, failure = None, FAILED
        deadline = asyncio.timeout(DEADLINE_SECONDS)
        try:
            async with deadline:
                await self._contents.refresh(request)
                # An object that waits for its ModelServer is enqueued once that has been read and checked.
                waits = await self._unread.is_awaited_by(request)
                result = DONE if waits else await self._reconcilers[request.kind](request.key)
                self._told.pop(request, None)
        except ApiError as error:
            failure = OUTAGE
            self._tell(request, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this object alone
            if deadline.expired():
                logger.warning("%s: not reconciled within %.0f s; retrying with backoff", request, DEADLINE_SECONDS)
            else:
                await self._report(request, error)
        finally:
            del self._started[request]
            self._metrics.passed(request, result, started, timed_out=result is None and deadline.expired())
        return failure if result is None else result

    def _tell(self, request: Request, error: ApiError) -> None:
        """Log why the object is not reconciled, once for each consecutive reason: retries must not fill the log."""
        known, self._told[request] = self._told.get(request), error.reason
        changed_meanwhile = error.status == 409
        level = logging.DEBUG if changed_meanwhile or known == error.reason else logging.WARNING
        logger.log(level, "%s: not reconciled; retrying with backoff: %s", request, error)

    async def _report(self, request: Request, error: Exception) -> None:
        """Report in the log, and in the object's status, that the operator itself failed."""
        message = "%s: not reconciled because of a bug in the operator; retrying with backoff"
        logger.error(message, request, exc_info=error)
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                await self._contents.report_failure(request, error)
        except (ApiError, TimeoutError) as unwritten:
            logger.warning("%s: its status cannot be written either: %s", request, unwritten or "no response in time")
        except Exception:
            logger.exception("%s: its status cannot be written either", request)

    async def drained(self, seconds: float) -> None:
        """Wait until none is in progress, for at most that many seconds."""
        deadline = time.monotonic() + seconds
        while self._started and time.monotonic() < deadline:  # noqa: ASYNC110 - once per process
            await asyncio.sleep(0.02)
