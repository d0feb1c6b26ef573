"""A limit on the cost of parsing JSON."""

from __future__ import annotations

MAXIMUM_VALUES = 200_000
"""Brackets, braces and commas in a body that is parsed: each may take a hundred times its own size in memory."""


def has_too_many_values(body: bytes) -> bool:
    """Return whether parsing the body could take far more memory than its size; commas inside strings count as well."""
    return sum(map(body.count, (b"[", b"{", b","))) > MAXIMUM_VALUES
