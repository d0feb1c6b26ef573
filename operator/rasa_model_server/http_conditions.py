"""Reading If-None-Match, If-Range and Range (RFC 9110, sections 13 and 14). Pure.

Starlette cannot take this over. It reads Range and If-Range in private methods, for a file on disk (FileResponse), not
for an object in a bucket; and it refuses a malformed range, and sends several ranges as multipart, where RFC 9110 lets
this server send the whole model. It reads If-None-Match for static files alone, and does not know the bare form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTITY_TAG = re.compile(r'(?:W/)?"(?P<quoted>[^"]*)"|(?P<bare>[^\s",]+)')
_BYTE_RANGE = re.compile(r"bytes=(?P<first>[0-9]*)-(?P<last>[0-9]*)", re.IGNORECASE)
_MANY = 10**18
"""More bytes than any model has."""


@dataclass(frozen=True)
class ByteRange:
    """The bytes from `start` up to, and without, `end`."""

    start: int
    end: int


class UnsatisfiableRangeError(Exception):
    """A Range header asks for bytes that the model does not have."""


def none_match(header: str | None, entity_tag: str) -> bool:
    """Return whether If-None-Match lets the model be sent: False when the caller has it already.

    Takes entity tags quoted or bare, weak or strong, in a list, and `*`. The bare form is not in RFC 9110, but Rasa
    sends a random hex string before its first model (rasa/core/agent.py, _pull_model_and_fingerprint).
    """
    if header is None:
        return True
    if header.strip() == "*":
        return False
    return all((found["quoted"] or found["bare"]) != entity_tag for found in _ENTITY_TAG.finditer(header))


def range_applies(if_range: str | None, entity_tag: str) -> bool:
    """Return whether a Range header is to be followed, given the If-Range header beside it.

    Only a strong entity tag counts. A date never does: models are told apart by their hash.
    """
    return if_range is None or if_range.strip() == f'"{entity_tag}"'


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """Return the range of a Range header within `size` bytes, or None where the whole is to be sent.

    What is not one range of bytes (another unit, several ranges, nonsense) is ignored, as RFC 9110 allows.

    Raises UnsatisfiableRangeError if the range starts after the end, or has no bytes.
    """
    found = _BYTE_RANGE.fullmatch(header.strip()) if header is not None else None
    if found is None:
        return None
    first, last = found["first"], found["last"]
    if not first and not last:
        return None
    if not first:
        wanted = ByteRange(max(0, size - _number(last)), size)
    elif not last:
        wanted = ByteRange(_number(first), size)
    elif _number(last) < _number(first):
        return None
    else:
        wanted = ByteRange(_number(first), min(_number(last) + 1, size))
    if wanted.start >= wanted.end:
        raise UnsatisfiableRangeError
    return wanted


def _number(digits: str) -> int:
    """Return the number, or 10**18 where it is larger: Python converts no more than 4300 digits."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= 18 else _MANY
