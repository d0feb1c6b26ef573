"""How much a body may cost to parse as JSON."""

from __future__ import annotations

MAXIMUM_VALUES = 200_000
"""Opening brackets and commas of a body that is parsed: each may cost a hundred times its own size in memory."""


def has_too_many_values(body: bytes) -> bool:
    """Whether parsing the body could cost far more than its size; text that is full of commas counts as well."""
    return sum(map(body.count, (b"[", b"{", b","))) > MAXIMUM_VALUES
