"""Access to JSON of uncertain types: a value of another type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a map, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the maps in a list, or an empty list if the value is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return the value if it is a string, else None."""
    return value if isinstance(value, str) else None


def number(value: object, default: int = 0) -> int:
    """Return the value if it is an integer, else the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default
