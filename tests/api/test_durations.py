"""Durations, read and written as kubectl does; a number alone is in seconds."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.durations import format_duration, parse_duration

UNITS = {"h": 3600, "m": 60, "s": 1}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("300", 300),
        ("0.5", 0.5),
        ("5m", 300),
        ("90s", 90),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("1m0.5s", 60.5),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "5m3",
        "5 3",
        "-5",
        "1e3",
        "5.",
        ".5",
        "5x",
        "5 m",
        "-5m",
        "+5m",
        "5m ",
        "1d",
        "5M",
        "1e3s",
        ".5s",
        "5.s",
        "inf",
        "5µs",
        "\u0665m",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not a duration: give numbers with the units h, m, s or ms, for example 5m"
    ):
        parse_duration(text)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{count}{unit}" for count, unit in parts)

    assert parse_duration(text) == sum(count * UNITS[unit] for count, unit in parts)


@given(st.integers(0, 10**12))
def test_what_is_written_is_read_as_the_same(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (300, "5m"), (5400, "1h30m"), (90, "1m30s"), (0.25, "250ms")])
def test_a_duration_is_written_without_units_that_are_zero(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
