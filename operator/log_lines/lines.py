"""Log formatters that write one line per record, as JSON or as human-readable text.

Both write the time in UTC, the level, the logger, the message, and the record's `fields`: a mapping passed as
`extra={"fields": {...}}`. Other attributes of a record are left out: what libraries attach is not meant to be read and
may hold secrets.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

Value = str | int | float | bool | None

LONGEST_MESSAGE: Final = 4096
LONGEST_FIELD: Final = 1024
LONGEST_TRACEBACK: Final = 16_384
"""Characters; a longer traceback keeps its end, which names the error."""

_SECRETS: Final = (
    ("://", re.compile(r"(://[^\s?]{0,512})\?[^\s\"']+"), r"\1?***"),
    ("://", re.compile(r"://[^\s/@]*@"), "://***@"),
    ("=", re.compile(r"((?:token|password|secret)\w{0,32}=)(?!\.\.\.)[^\s&\"']+", re.IGNORECASE), r"\1***"),
    ("bearer", re.compile(r"\b(bearer) +[\w.~+/=-]{16,}", re.IGNORECASE), r"\1 ***"),
    ("basic", re.compile(r"\b(basic) +[\w.~+/=-]{16,}", re.IGNORECASE), r"\1 ***"),
)
"""Places where tokens occur: query and user information of a URL, parameters, the Authorization header.

Each with something that is in every text that it matches: to look for that first takes a third of the time.
"""
_PLAIN: Final = re.compile(r"[\w./:@+-]+", re.ASCII)
"""A value that needs no quotes in a line of text."""


class JsonLines(logging.Formatter):
    """Formats each record as a JSON object on one line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Value] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_fields(record),
        }
        trace = _traceback(self, record)
        if trace:
            line["exception"] = trace
        return json.dumps(line)


class TextLines(logging.Formatter):
    """Formats each record as a line of text with its fields at the end, then the indented lines of a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        parts = [_time(record), f"{record.levelname:<7}", f"{record.name}:", _printable(_message(record))]
        parts += [f"{name}={_quoted(value)}" for name, value in _fields(record).items()]
        trace = _traceback(self, record).splitlines()
        return "\n    ".join([" ".join(parts), *map(_printable, trace)])


def _time(record: logging.LogRecord) -> str:
    """Return when the record was created (RFC 3339, UTC)."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    return _masked(_cut(record.getMessage(), LONGEST_MESSAGE))


def _fields(record: logging.LogRecord) -> dict[str, Value]:
    fields: object = getattr(record, "fields", None)
    if not isinstance(fields, Mapping):
        return {}
    return {str(name): _value(value) for name, value in fields.items() if value is not None}


def _value(value: object) -> Value:
    """Return the value unchanged if JSON can represent it, else as text."""
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _masked(_cut(str(value), LONGEST_FIELD))


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    texts = []
    if record.exc_info:
        texts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        texts.append(formatter.formatStack(record.stack_info))
    text = "\n".join(texts)
    return _masked(text if len(text) <= LONGEST_TRACEBACK else f"…{text[-LONGEST_TRACEBACK:]}")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _masked(text: str) -> str:
    """Return the text with everything that may be a token masked."""
    folded = text.casefold()
    for sign, pattern, instead in _SECRETS:
        if sign in folded:
            text = pattern.sub(instead, text)
    return text


def _printable(text: str) -> str:
    """Return the text on one line, with unprintable characters escaped as in Python and JSON."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _quoted(value: Value) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(_printable(text), ensure_ascii=False)
