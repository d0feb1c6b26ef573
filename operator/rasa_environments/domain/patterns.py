"""Patterns that other people write, matched in time linear in the length of the text.

The engine is the Rust crate `regex`, through pydantic-core: it never backtracks, and refuses look-around, references to
groups, and what compiles to more than 10 MiB (https://docs.rs/regex, "Untrusted input").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

LONGEST_PATTERN: Final = 200
MAXIMUM_REPETITIONS: Final = 50
"""Sum of the counts in braces: each repetition is compiled again, which takes up to 0.1 s at this limit."""

_COUNTED: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_COUNTED_GROUP: Final = re.compile(r"[)}]\{\d")


class PatternError(ValueError):
    """A pattern is invalid, or beyond the limits; the message says why, and what to do."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern."""

    text: str
    _validator: SchemaValidator

    def found_in(self, text: str) -> bool:
        """Return whether the pattern matches anywhere in the text."""
        try:
            self._validator.validate_python(text)
        except ValidationError:
            return False
        return True


def repetitions(text: str) -> int:
    """Return the sum of the counts in braces."""
    return sum(int(upper or lower) for lower, upper in _COUNTED.findall(text) if len(upper or lower) < 9)


def compiled(text: str) -> Pattern:
    """Return the pattern. Raises PatternError."""
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"has {len(text)} characters, but may have at most {LONGEST_PATTERN}: shorten it")
    if repetitions(text) > MAXIMUM_REPETITIONS or _COUNTED_GROUP.search(text):
        raise PatternError(
            f"repeats a group by a count in braces, or more than {MAXIMUM_REPETITIONS} characters in all: use * or +"
        )
    try:
        schema = core_schema.str_schema(pattern=text, regex_engine="rust-regex")
        return Pattern(text, SchemaValidator(schema))
    except SchemaError:
        raise PatternError(
            "is no valid pattern: see https://docs.rs/regex for the syntax, which has no look-around and no references"
            " to groups"
        ) from None
