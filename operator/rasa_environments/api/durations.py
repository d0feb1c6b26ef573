"""Durations as kubectl reads and writes them: `5m`, `1h30m`, `90s`. A number alone is in seconds."""

from __future__ import annotations

import re
from typing import Final

_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PART: Final = re.compile(rf"({_NUMBER})(h|ms|m|s)")
_ALONE: Final = re.compile(_NUMBER)
DURATION_PATTERN: Final = r"^([0-9]{1,9}(\.[0-9]{1,9})?(h|ms|m|s)?|([0-9]{1,9}(\.[0-9]{1,9})?(h|ms|m|s))+)$"
"""A duration as text, for schemas."""
EXPECTED: Final = "give numbers with the units h, m, s or ms, for example 5m, 1h30m or 90s; or a number of seconds"


def parse_duration(text: str) -> float:
    """Return a duration in seconds, not negative.

    The format is that of Go's time.ParseDuration, without signs and units below a millisecond; and a number without a
    unit is in seconds. Raises ValueError that says what is allowed.
    """
    if _ALONE.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    read = "".join(number + unit for number, unit in parts)
    if not text or read != text:
        raise ValueError(f"{text!r} is not a duration: {EXPECTED}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """Return a duration of whole milliseconds as kubectl writes it, without units that are zero: `1h30m`, `0s`."""
    milliseconds = round(seconds * 1000)
    written = ""
    for unit in ("h", "m", "s", "ms"):
        count, milliseconds = divmod(milliseconds, round(_SECONDS[unit] * 1000))
        written += f"{count}{unit}" if count else ""
    return written or "0s"
