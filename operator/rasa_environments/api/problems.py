"""Problems of a manifest, worded like those of the API server."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

WORDS = {"missing": "is missing"}
"""Wording that replaces pydantic's, by the type of the error."""


def problems(error: ValidationError, root: str = "") -> tuple[str, ...]:
    """Return each error as `field: problem`; `root` is the path of the validated value, for example `spec`."""
    return tuple(
        _line((root, *entry["loc"]) if root else entry["loc"], WORDS.get(entry["type"], entry["msg"]))
        for entry in error.errors(include_url=False, include_input=False)
    )


def _line(place: Sequence[int | str], message: str) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return f"{path}: {message}" if path else message
