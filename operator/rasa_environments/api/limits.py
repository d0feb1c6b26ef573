"""Limits on the size and nesting of a spec, since a CRD cannot limit the content of free-form fields."""

from __future__ import annotations

from typing import Final

import orjson

MAXIMUM_SPEC_BYTES: Final = 64 * 1024
"""Bytes of a spec as JSON."""
MAXIMUM_SPEC_DEPTH: Final = 100
"""Levels of maps and lists in a spec."""


def exceeded_limit(spec: object) -> str | None:
    """Return which limit a spec exceeds and how to fix it, or None."""
    if _is_deeper(spec, MAXIMUM_SPEC_DEPTH):
        return f"spec: is nested more than {MAXIMUM_SPEC_DEPTH} levels deep; flatten it"
    try:
        size = len(orjson.dumps(spec))
    except TypeError:  # an integer of more than 64 bits, half of a surrogate pair
        return "spec: has a number or a text that cannot be written as JSON; correct it"
    if size <= MAXIMUM_SPEC_BYTES:
        return None
    return (
        f"spec: has {-(-size // 1024)} KiB as JSON, but may have at most {MAXIMUM_SPEC_BYTES // 1024}; "
        "put large content into a ConfigMap or Secret of your own, and mount it by podTemplate"
    )


def _is_deeper(value: object, levels: int) -> bool:
    """Return whether a JSON value has more than `levels` levels. Iterative, since Python's stack is limited, too."""
    level = [value]
    for _ in range(levels):
        level = [inner for each in level for inner in _children(each)]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
