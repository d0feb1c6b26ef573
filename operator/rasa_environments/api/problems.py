"""What is wrong with a manifest, in words like those of the API server."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

WORDS = {"missing": "is missing"}
"""Our words for pydantic's, by the type of the error."""


def problems(error: ValidationError, root: str = "") -> tuple[str, ...]:
    """One line for each error, `field: what is wrong`; `root` is the path of what was validated, for example `spec`."""
    return tuple(
        _line((root, *entry["loc"]) if root else entry["loc"], WORDS.get(entry["type"], entry["msg"]))
        for entry in error.errors(include_url=False, include_input=False)
    )


def _line(place: Sequence[int | str], message: str) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return f"{path}: {message}" if path else message
