"""Writes Events (events.k8s.io/v1) in the background, and no more of them than a person would read.

Repetitions within ten minutes are counted in the `series` of the existing Event. Source:
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from rasa_environments.api.base import GROUP, JsonObject, ObjectKey
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.resources import EVENTS
from rasa_environments.judge.events import Event, ObjectReference, event_name, shortened

logger = logging.getLogger(__name__)

CONTROLLER: Final = f"{GROUP}/operator"
SERIES_WINDOW: Final = timedelta(minutes=10)
"""A repetition later than this after the last one is a new Event."""
SERIES_PAUSE_SECONDS: Final = 10.0
"""Seconds between two writes of the same Event, however often it repeats meanwhile."""
MAXIMUM_EVENTS: Final = 10
"""Events of an object within the window. Further ones are counted in the latest Event of the same reason, if any."""
MAXIMUM_WAITING: Final = 2000
"""Events of all objects that wait to be created; more are dropped."""
WRITERS: Final = 2
WRITE_SECONDS: Final = 10.0
ATTEMPTS: Final = 3
RETRY_SECONDS: Final = 5.0
_LONGEST_INSTANCE: Final = 128


class Written(StrEnum):
    """The result of writing an Event, or a repetition of it."""

    WRITTEN = "written"
    FAILED = "failed"
    DROPPED = "dropped"


Counted = Callable[[Written], None]


def count_nothing(_: Written) -> None:
    """Count nothing, for callers that keep no count."""


@dataclass
class _Series:
    """An Event, and how often it has occurred."""

    key: ObjectKey
    body: JsonObject | None
    """The Event to create; None once it is created."""
    last: datetime
    count: int = 1
    told: int = 0
    """The count as stored."""
    waiting: bool = False
    """Whether a write is due or in progress."""
    given_up: bool = False
    """Whether it could not be written; the next occurrence is then a new Event."""
    written_at: float | None = None
    """When it was last written (time of the event loop)."""
    attempts: int = 0


_Alike = tuple[str, str]
"""Reason and note of an Event."""


class EventWriter:
    """The Events of this process; `instance` is the name of its pod."""

    def __init__(
        self,
        client: Client,
        instance: str,
        counted: Counted = count_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._instance = instance[:_LONGEST_INSTANCE] or CONTROLLER
        self._counted = counted
        self._now = now
        self._recent: OrderedDict[str, dict[_Alike, _Series]] = OrderedDict()
        """The Events within the window, by uid of the object; the object of the latest Event comes last."""
        self._due: asyncio.Queue[_Series] = asyncio.Queue()
        self._to_create = 0
        """Number of Events that are not created yet."""
        self._told = ""
        """Why the last Event was not written, as logged."""

    def record(self, regarding: ObjectReference, events: Sequence[Event]) -> None:
        """Record what happened to an object; return at once."""
        if not events:
            return
        now = self._now()
        self._forget_before(now - SERIES_WINDOW)
        recent = self._recent.setdefault(regarding.uid, {})
        self._recent.move_to_end(regarding.uid)
        for alike in [alike for alike, series in recent.items() if _is_over(series, now - SERIES_WINDOW)]:
            del recent[alike]
        for event in events:
            self._record(recent, regarding, event, now)

    async def run(self) -> None:
        """Write what is recorded, until cancelled."""
        async with asyncio.TaskGroup() as writers:
            for _ in range(WRITERS):
                writers.create_task(self._write_forever())

    async def drained(self, seconds: float) -> None:
        """Wait until all due writes are done, for at most that many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.join()

    def _record(self, recent: dict[_Alike, _Series], regarding: ObjectReference, event: Event, now: datetime) -> None:
        alike = event.reason, event.note
        series = recent.get(alike)
        if series is None and len(recent) >= MAXIMUM_EVENTS:
            series = next((found for (reason, _), found in reversed(recent.items()) if reason == event.reason), None)
        if series is not None:
            series.count, series.last = series.count + 1, now
            self._enqueue(series)
        elif self._to_create >= MAXIMUM_WAITING:
            self._counted(Written.DROPPED)
        else:
            self._to_create += 1
            body = event_body(regarding, event, self._instance, now)
            series = recent[alike] = _Series(ObjectKey(regarding.namespace, body["metadata"]["name"]), body, now)
            self._enqueue(series)

    def _forget_before(self, start: datetime) -> None:
        """Discard objects without Events since that time."""
        while self._recent:
            uid, recent = next(iter(self._recent.items()))
            if not all(_is_over(series, start) for series in recent.values()):
                break
            del self._recent[uid]

    def _enqueue(self, series: _Series) -> None:
        """Schedule a write of the series, at once or after the pause since its last write."""
        if series.waiting:
            return
        series.waiting = True
        self._enqueue_in(series, 0.0)

    def _enqueue_in(self, series: _Series, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        earliest = loop.time() if series.written_at is None else series.written_at + SERIES_PAUSE_SECONDS
        due = max(earliest, loop.time() + seconds)
        if due <= loop.time():
            self._due.put_nowait(series)
        else:
            loop.call_at(due, self._due.put_nowait, series)

    async def _write_forever(self) -> None:
        while True:
            series = await self._due.get()
            again = await self._write(series)
            self._due.task_done()
            if again is not None:
                self._enqueue_in(series, again)
                continue
            series.waiting = False
            if series.count > series.told and not series.given_up:  # it was repeated while it was written
                self._enqueue(series)

    async def _write(self, series: _Series) -> float | None:
        """Write the series once; return in how many seconds to retry, None if it is done."""
        count = series.count
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._send(series, count)
        except (ApiError, TimeoutError) as error:
            return self._failed(series, error)
        except Exception:
            logger.exception("Event %s not written because of a bug in the operator", series.key)
            self._give_up(series)
            return None
        self._told = ""
        self._counted(Written.WRITTEN)
        self._is_there(series)
        series.told, series.attempts = count, 0
        series.written_at = asyncio.get_running_loop().time()
        return None

    async def _send(self, series: _Series, count: int) -> None:
        """Send the series; an existing Event of that name is the same one. Raises ApiError if it is rejected."""
        counted = {"count": count, "lastObservedTime": timestamp(series.last)} if count > 1 else None
        if series.body is None:
            await self._client.patch(EVENTS, series.key, {"series": counted})
            return
        try:
            await self._client.create(EVENTS, {**series.body, **({"series": counted} if counted else {})})
        except ApiError as error:
            if not error.already_exists:
                raise

    def _failed(self, series: _Series, error: ApiError | TimeoutError) -> float | None:
        """Count and log the failure; return in how many seconds to retry, None for never."""
        passing = isinstance(error, TimeoutError) or error.status in (0, 429) or error.status >= 500
        series.attempts += 1
        if passing and series.attempts < ATTEMPTS:
            return RETRY_SECONDS * series.attempts
        reason = "Timeout" if isinstance(error, TimeoutError) else error.reason
        level = logging.DEBUG if reason == self._told else logging.WARNING
        self._told = reason
        logger.log(level, "Event %s not written: %s", series.key, str(error) or "no response in time")
        self._give_up(series)
        return None

    def _give_up(self, series: _Series) -> None:
        self._counted(Written.FAILED)
        self._is_there(series)
        series.given_up = True

    def _is_there(self, series: _Series) -> None:
        """Record that the Event is created, or never will be."""
        if series.body is not None:
            series.body = None
            self._to_create -= 1


def _is_over(series: _Series, start: datetime) -> bool:
    """Return whether the next occurrence is a new Event: this one is older than `start`, or could not be written."""
    return series.given_up or (series.last < start and not series.waiting)


def event_body(regarding: ObjectReference, event: Event, instance: str, now: datetime) -> JsonObject:
    """Return the Event to create."""
    body: JsonObject = {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"namespace": regarding.namespace, "name": event_name(regarding, event)},
        "eventTime": timestamp(now),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "type": event.type,
        "reason": event.reason,
        "action": event.action,
        "note": shortened(event.note),
        "regarding": _reference(regarding),
    }
    return body if event.related is None else {**body, "related": _reference(event.related)}


def _reference(to: ObjectReference) -> JsonObject:
    reference = {"apiVersion": to.api_version, "kind": to.kind, "namespace": to.namespace, "name": to.name}
    return {**reference, "uid": to.uid} if to.uid else reference


def timestamp(time: datetime) -> str:
    """Return the time as Kubernetes' MicroTime."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
