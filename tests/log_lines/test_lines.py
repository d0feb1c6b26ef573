"""A record is one line, whatever it contains."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_lines.lines import LONGEST_FIELD, LONGEST_MESSAGE, LONGEST_TRACEBACK, JsonLines, TextLines

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
FIELDS = st.dictionaries(st.sampled_from(["kind", "name", "reason", "url"]), VALUES)


def record(message: str, fields: object = None, error: BaseException | None = None) -> logging.LogRecord:
    """Return what `logger.warning(message, extra={"fields": fields})` creates, at a known time."""
    thrown = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("bots", logging.WARNING, "file.py", 1, "%s", (message,), thrown)
    made.created, made.fields = 1767225600.9996, fields
    return made


def as_json(made: logging.LogRecord) -> dict[str, object]:
    return dict(json.loads(JsonLines().format(made)))


@given(st.text(), FIELDS, st.text())
def test_any_text_gives_one_line_that_is_json(message: str, fields: dict[str, object], said: str) -> None:
    line = JsonLines().format(record(message, fields, ValueError(said)))

    assert len(line.splitlines()) == 1
    read = json.loads(line, parse_constant=pytest.fail)
    assert TIME.fullmatch(read["time"])
    assert {"level", "logger", "message", "exception"} <= read.keys()


@given(st.text(), FIELDS, st.text())
def test_as_text_whatever_follows_the_line_is_indented(message: str, fields: dict[str, object], said: str) -> None:
    first, *others = TextLines().format(record(message, fields, ValueError(said))).splitlines()

    assert first.startswith("2026-01-01T00:00:00.999Z WARNING bots: ")
    assert all(line.startswith("    ") for line in others)


def test_a_line_has_the_time_in_utc_and_the_fields_beside_the_message() -> None:
    made = record("it is gone", {"kind": "ModelTag", "seconds": 1.5, "model": None})

    assert as_json(made) == {
        "time": "2026-01-01T00:00:00.999Z",
        "level": "WARNING",
        "logger": "bots",
        "message": "it is gone",
        "kind": "ModelTag",
        "seconds": 1.5,
    }
    assert TextLines().format(made) == ("2026-01-01T00:00:00.999Z WARNING bots: it is gone kind=ModelTag seconds=1.5")


def test_text_quotes_a_value_with_blanks() -> None:
    assert TextLines().format(record("gone", {"reason": "two words\n"})).endswith(r'gone reason="two words\\n"')


def test_foreign_text_cannot_forge_a_line_or_a_field() -> None:
    forged = 'x\n2026-01-01T00:00:00.999Z ERROR bots: forged\x1b[31m\u2028", "level": "INFO'

    assert as_json(record(forged))["level"] == "WARNING"
    assert as_json(record(forged))["message"] == forged
    assert TextLines().format(record(forged)) == (
        r"2026-01-01T00:00:00.999Z WARNING bots: x\n2026-01-01T00:00:00.999Z ERROR bots: forged\x1b[31m\u2028"
        '", "level": "INFO'
    )


def test_what_libraries_attach_to_a_record_is_left_out() -> None:
    made = record("hello")
    made.settings = {"token": "secret"}

    assert "secret" not in JsonLines().format(made) + TextLines().format(made)
    assert as_json(record("hello", fields="none")).keys() == {"time", "level", "logger", "message"}


def test_a_line_has_a_bounded_length() -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        raise ValueError("x" * 100_000 + "the end")

    try:
        deep(3)
    except ValueError as error:
        read = as_json(record("m" * 100_000, {"name": "n" * 100_000}, error))

    assert len(str(read["message"])) == LONGEST_MESSAGE
    assert len(str(read["name"])) == LONGEST_FIELD
    assert len(str(read["exception"])) == LONGEST_TRACEBACK + 1
    assert str(read["exception"]).endswith("the end")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET http://rasa/status?token=s3cret HTTP/1.1", "GET http://rasa/status?*** HTTP/1.1"),
        ("at https://pam:s3cret@rasa/", "at https://***@rasa/"),
        ("Authorization: Bearer s3cret.s3cret.s3cret", "Authorization: Bearer ***"),
        ("GET /models?token=s3cret&limit=5 200", "GET /models?token=***&limit=5 200"),
        ("GET /models?token=...&limit=5 200", "GET /models?token=...&limit=5 200"),
        ("is it up? yes=no", "is it up? yes=no"),
        ("basic authentication", "basic authentication"),
    ],
)
def test_what_may_be_a_token_is_masked(text: str, shown: str) -> None:
    read = as_json(record(text, {"url": text}, ValueError(text)))

    assert (read["message"], read["url"]) == (shown, shown)
    assert str(read["exception"]) == f"ValueError: {shown}"


def test_a_stack_is_part_of_the_line() -> None:
    made = record("here")
    made.stack_info = "Stack (most recent call last):\n  here"

    assert as_json(made)["exception"] == made.stack_info
    assert sys.exc_info() == (None, None, None)
