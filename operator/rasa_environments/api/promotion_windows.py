"""When models may be promoted: a freeze, and windows of time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import ApiModel, DnsLabel, TagName, Text
from rasa_environments.api.rules import Keyed, matches

MAXIMUM_WINDOWS = 16
SHORTEST_WINDOW_SECONDS = 60
LONGEST_WINDOW_SECONDS = 31 * 24 * 3600

Time = Annotated[
    str,
    Field(max_length=32),
    matches(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$",
        "must be a time with its offset, for example 2026-01-01T12:00:00Z",
    ),
]
Schedule = Annotated[
    str,
    Field(max_length=128),
    matches(
        "^[0-9A-Za-z*/,#-]+( [0-9A-Za-z*/,#-]+){4}$",
        "must be minute, hour, day of the month, month and day of the week, for example 0 9 * * MON-FRI",
    ),
]
TimeZone = Annotated[
    str,
    Field(max_length=64),
    matches(
        "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*)*$",
        "must be the name of a time zone, for example Europe/Berlin",
    ),
]


class Freeze(ApiModel):
    """A stop of all promotions; rollbacks are never held."""

    reason: Text
    """Why; shown to everybody whose promotion waits."""
    end_time: Time | None = None
    """When it ends (RFC 3339); by default, when the field is removed."""


class PromotionWindow(ApiModel):
    """A window of time that recurs."""

    name: DnsLabel
    """Name of the window, for messages."""
    type: Literal["Allow", "Deny"]
    """Allow: a tag that has such windows is promoted only while one of them is open. Deny: no tag of the window is
    promoted while it is open, whatever other windows say."""
    schedule: Schedule
    """When it opens, in the format of cron: minute, hour, day of the month, month, day of the week."""
    time_zone: TimeZone = "UTC"
    """Time zone of the schedule, for example Europe/Berlin."""
    duration_seconds: Annotated[int, Field(ge=SHORTEST_WINDOW_SECONDS, le=LONGEST_WINDOW_SECONDS, strict=True)]
    """Seconds that it stays open."""
    tags: Annotated[list[TagName], Field(max_length=64), Keyed()] | None = None
    """Tags that it is about; default all."""
