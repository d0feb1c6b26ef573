"""When a tag may be promoted: freezes, windows that allow and deny, time zones, and clocks that are put forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.conditions import Reason
from rasa_environments.api.promotion_windows import PromotionWindow
from rasa_environments.domain.promotion_windows import held, next_opening, windows_of
from tests.reconcile.objects import server

HOUR = 3600


def window(schedule: str, hours: float = 1, kind: str = "Allow", zone: str = "UTC", **fields: Any) -> PromotionWindow:
    """A window that opens by a schedule."""
    body = {"name": "w", "type": kind, "schedule": schedule, "timeZone": zone, "durationSeconds": int(hours * HOUR)}
    return PromotionWindow.model_validate({**body, **fields})


def at(text: str) -> datetime:
    """A time in UTC, without its year, which is 2026."""
    return datetime.fromisoformat(f"2026-{text}+00:00")


OFFICE_HOURS = window("0 9 * * MON-FRI", 8)
WEEKEND_FREEZE = window("0 12 * * FRI", 60, "Deny")


@pytest.mark.parametrize(
    ("windows", "now", "opens"),
    [
        ([], "01-05T03:00", "01-05T03:00"),
        ([OFFICE_HOURS], "01-05T03:00", "01-05T09:00"),
        ([OFFICE_HOURS], "01-05T09:00", "01-05T09:00"),
        ([OFFICE_HOURS], "01-05T16:59", "01-05T16:59"),
        ([OFFICE_HOURS], "01-05T17:00", "01-06T09:00"),
        ([OFFICE_HOURS], "01-09T18:00", "01-12T09:00"),
        ([WEEKEND_FREEZE], "01-09T11:59", "01-09T11:59"),
        ([WEEKEND_FREEZE], "01-09T12:00", "01-12T00:00"),
        ([OFFICE_HOURS, WEEKEND_FREEZE], "01-09T12:00", "01-12T09:00"),
        ([OFFICE_HOURS, window("0 22 * * *", 1)], "01-05T17:00", "01-05T22:00"),
        ([window("0 0 * * *", 24, "Deny")], "01-05T03:00", None),
    ],
)
def test_a_tag_is_promoted_once_nothing_denies_it_and_something_allows_it(
    windows: list[PromotionWindow], now: str, opens: str | None
) -> None:
    assert next_opening(windows, at(now)) == (None if opens is None else at(opens))


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("03-27T12:00", "03-28T01:30"),  # Saturday, 02:30 in Berlin, an hour ahead of UTC
        ("03-28T12:00", "03-29T01:00"),  # Sunday: the clock goes from 02:00 to 03:00, when it opens at once
        ("03-29T12:00", "03-30T00:30"),  # Monday, two hours ahead
        ("10-24T12:00", "10-25T00:30"),  # Sunday: 02:30 comes twice, and it opens the first time
        ("10-25T02:00", "10-26T01:30"),
    ],
)
def test_a_window_opens_once_a_night_even_if_the_clock_is_changed(now: str, opens: str) -> None:
    assert next_opening([window("30 2 * * *", 0.25, zone="Europe/Berlin")], at(now)) == at(opens)


def test_a_window_stays_open_for_its_duration_of_real_time() -> None:
    night = [window("0 1 * * *", 3, zone="Europe/Berlin")]

    # From 01:00 to 05:00 by the clock, which is three hours, since an hour is left out.
    assert next_opening(night, at("03-29T02:59")) == at("03-29T02:59")
    assert next_opening(night, at("03-29T03:00")) == at("03-29T23:00")


SCHEDULES = st.builds(
    "{} {} * * {}".format,
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(["*", "MON-FRI", "SUN", "6"]),
)
WINDOWS = st.builds(
    window,
    SCHEDULES,
    st.sampled_from([0.25, 1, 5, 30]),
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
AROUND_CHANGES = st.builds(
    lambda day, minutes: at(f"{day}T00:00") + timedelta(minutes=minutes),
    st.sampled_from(["03-08", "03-29", "04-05", "06-15", "10-04", "10-25", "11-01"]),
    st.integers(-2880, 2880),
)


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"])
def test_a_freeze_to_the_end_of_all_times_ends_once_it_is_removed(end: str) -> None:
    allow = {"name": "a", "type": "Allow", "schedule": "0 9 * * *", "timeZone": "Asia/Tokyo", "durationSeconds": 60}
    frozen = server(freeze={"reason": "audit", "endTime": end}, promotionWindows=[allow])

    found = held(frozen, "live", at("01-05T12:00"))

    assert found is not None
    assert (found.reason, found.until) == (Reason.FROZEN, None)


def test_a_search_for_an_opening_ends_within_years_however_rare_the_windows_are() -> None:
    assert next_opening([window("0 0 29 2 *", 1, "Deny"), window("0 0 29 2 *", 0.5)], at("01-05T12:00")) is None
    assert next_opening([window("0 0 29 2 *")], at("01-05T12:00")) == datetime(2028, 2, 29, tzinfo=UTC)


@given(windows=st.lists(WINDOWS, max_size=4), now=AROUND_CHANGES, share=st.floats(0, 1, exclude_max=True))
def test_until_the_next_opening_it_is_closed_and_then_it_is_open(
    windows: list[PromotionWindow], now: datetime, share: float
) -> None:
    opens = next_opening(windows, now)

    if opens is None:
        assert any(each.type == "Deny" for each in windows)
        return
    assert opens >= now
    assert next_opening(windows, opens) == opens
    if opens > now:
        between = now + (opens - now) * share
        assert next_opening(windows, between.replace(microsecond=0)) == opens


def test_a_window_is_about_its_tags_alone() -> None:
    body = {"name": "w", "type": "Deny", "schedule": "* * * * *", "durationSeconds": HOUR, "tags": ["production"]}
    frozen = server(promotionWindows=[body])

    assert windows_of(frozen, "staging") == ()
    assert held(frozen, "staging", at("01-05T00:00")) is None
    assert held(frozen, "production", at("01-05T00:00")) is not None


def test_a_freeze_names_its_reason_and_end_and_the_window_after_it() -> None:
    body = {"name": "w", "type": "Allow", "schedule": "0 9 * * *", "durationSeconds": HOUR}
    frozen = server(freeze={"reason": "audit", "endTime": "2026-01-05T10:00:00Z"}, promotionWindows=[body])

    waiting = held(frozen, "live", at("01-05T09:30"))

    assert waiting is not None
    assert (waiting.reason, waiting.until) == (Reason.FROZEN, at("01-05T10:00"))
    assert waiting.message == (
        "ModelServer bots/default is frozen until 2026-01-05T10:00:00Z: audit; then the promotion windows of "
        "ModelServer bots/default are closed for tag live until 2026-01-06T09:00:00Z"
    )


@pytest.mark.parametrize("end", [{}, {"endTime": "2026-02-30T00:00:00Z"}], ids=["none", "no date"])
def test_a_freeze_without_an_end_lasts(end: dict[str, str]) -> None:
    waiting = held(server(freeze={"reason": "audit", **end}), "live", at("12-31T00:00"))

    assert waiting is not None
    assert waiting.until is None
    assert "is frozen until spec.freeze is removed: audit" in waiting.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"schedule": "99 * * * *"},
            "has a schedule that is not one of cron, 99 * * * * (Bad minute): correct schedule",
        ),
        (
            {"schedule": "0 0 30 2 *"},
            "has a schedule that is not one of cron, 0 0 30 2 * (Bad day-of-month): correct schedule",
        ),
        ({"timeZone": "Europe/Atlantis"}, "has an unknown time zone, Europe/Atlantis: correct timeZone"),
    ],
)
@pytest.mark.parametrize("kind", ["Allow", "Deny"])
def test_a_window_that_cannot_be_understood_holds_promotions_and_says_so(
    fields: dict[str, str], words: str, kind: str
) -> None:
    body = {"name": "w", "type": kind, "schedule": "0 9 * * *", "durationSeconds": HOUR, **fields}

    waiting = held(server(promotionWindows=[body]), "live", at("01-05T09:30"))

    assert waiting is not None
    assert (waiting.reason, waiting.until) == (Reason.OUTSIDE_WINDOW, None)
    assert waiting.message == f"ModelServer bots/default: promotion window w {words}"
