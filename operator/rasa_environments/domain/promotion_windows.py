"""Whether a tag may be promoted now, and when it may: the freeze and the windows of its ModelServer.

A schedule is that of cron as in Debian (cronsim): where a clock is put forward, what would begin in the hour that is
left out begins right after it; where it is put back, it begins once. A window stays open for its duration of real time.
What cannot be understood holds promotions, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.promotion_windows import Freeze, PromotionWindow
from rasa_environments.domain.waiting import Waiting, stated

MOST_STEPS = 100
"""Openings and closings to look ahead."""
LATEST = datetime(9900, 1, 1, tzinfo=UTC)
"""Later times leave no room for a search in any time zone."""
FURTHEST = timedelta(days=5 * 366)
"""How far to look ahead, so that every 29 February is found: both bound the time that a search takes."""


class UnusableWindowError(Exception):
    """A schedule or time zone that cannot be understood; the message says which."""


def held(server: ModelServer, tag: str, at: datetime) -> Waiting | None:
    """Return what keeps the tag from being promoted at that time, and until when; None if nothing does."""
    freeze = server.spec.freeze
    frozen_until = _end(freeze) if freeze is not None else at
    if freeze is not None and (frozen_until is None or at < frozen_until):
        return _frozen(server, freeze, frozen_until, tag)
    windows = windows_of(server, tag)
    try:
        opens = next_opening(windows, at)
    except UnusableWindowError as error:
        return Waiting(Reason.OUTSIDE_WINDOW, f"ModelServer {server.metadata.key}: {error}")
    if opens == at:
        return None
    closed = f"the promotion windows of ModelServer {server.metadata.key} are closed for tag {tag}"
    if opens is None:
        return Waiting(Reason.OUTSIDE_WINDOW, f"{closed}, and nothing opens one in sight: correct their schedules")
    return Waiting(Reason.OUTSIDE_WINDOW, f"{closed} until {stated(opens)}", opens)


def _frozen(server: ModelServer, freeze: Freeze, until: datetime | None, tag: str) -> Waiting:
    ends = f"until {stated(until)}" if until is not None else "until spec.freeze is removed"
    message = f"ModelServer {server.metadata.key} is frozen {ends}: {freeze.reason}"
    after = held(without_freeze(server), tag, until) if until is not None else None
    if after is None:
        return Waiting(Reason.FROZEN, message, until)
    return Waiting(Reason.FROZEN, f"{message}; then {after.message}", until)


def without_freeze(server: ModelServer) -> ModelServer:
    """Return the ModelServer as it is once the freeze ends."""
    return server.model_copy(update={"spec": server.spec.model_copy(update={"freeze": None})})


def _end(freeze: Freeze) -> datetime | None:
    """Return when the freeze ends; None if that is open, beyond `LATEST`, or no date, such as 30 February."""
    try:
        end = datetime.fromisoformat(freeze.end_time) if freeze.end_time is not None else None
    except ValueError:
        return None
    return end if end is not None and end < LATEST else None


def windows_of(server: ModelServer, tag: str) -> tuple[PromotionWindow, ...]:
    """Return the windows of the server that are about the tag."""
    return tuple(each for each in server.spec.promotion_windows or () if each.tags is None or tag in each.tags)


def next_opening(windows: Sequence[PromotionWindow], at: datetime) -> datetime | None:
    """Return the first time from `at` on at which the windows permit a promotion; None if there is none in sight.

    Raises UnusableWindowError.
    """
    denying = [each for each in windows if each.type == "Deny"]
    allowing = [each for each in windows if each.type == "Allow"]
    moment = at
    for _ in range(MOST_STEPS):
        closings = [end for each in denying if (end := _open_until(each, moment)) is not None]
        if closings:
            moment = max(closings)
        elif not allowing or any(_open_until(each, moment) is not None for each in allowing):
            return moment
        else:
            openings = [start for each in allowing if (start := _next_start(each, moment)) is not None]
            if not openings:
                return None
            moment = min(openings)
        if moment - at > FURTHEST:
            return None
    return None


def _open_until(window: PromotionWindow, moment: datetime) -> datetime | None:
    """Return when the window closes that is open at that moment; None if it is not open."""
    duration = timedelta(seconds=window.duration_seconds)
    start = _next_start(window, moment - duration)
    return start + duration if start is not None and start <= moment else None


def _next_start(window: PromotionWindow, moment: datetime) -> datetime | None:
    """Return when the window opens next after that moment; None if never. Raises UnusableWindowError."""
    try:
        zone = ZoneInfo(window.time_zone)
    except (ValueError, OSError, KeyError):
        raise UnusableWindowError(
            f"promotion window {window.name} has an unknown time zone, {window.time_zone}: correct timeZone"
        ) from None
    try:
        return next(CronSim(window.schedule, moment.astimezone(zone))).astimezone(UTC)
    except CronSimError as error:
        raise UnusableWindowError(
            f"promotion window {window.name} has a schedule that is not one of cron, {window.schedule} ({error}): "
            "correct schedule"
        ) from None
    except StopIteration:
        return None
