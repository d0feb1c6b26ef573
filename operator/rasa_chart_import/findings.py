"""The results for the values of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Position of a value: the keys from the top."""


class Outcome(StrEnum):
    """What happens to a value."""

    MAPPED = "mapped"
    NOT_NEEDED = "not needed"
    BY_HAND = "by hand"


@dataclass(frozen=True)
class Finding:
    """The result for one value: where it is now, why it is not needed, or what to do by hand."""

    path: Path
    outcome: Outcome
    text: str


def path_of(text: str) -> Path:
    """Return the keys of a path without dots in its keys, such as `rasa.port`."""
    return tuple(text.split("."))


def shown(path: Path) -> str:
    r"""Return the path as `helm --set` accepts it: a dot within a key is written `\.`."""
    return ".".join(key.replace(".", r"\.") for key in path)


def is_empty(value: object) -> bool:
    """Return whether a value is empty: null, or an empty text, list or mapping."""
    return value is None or value in ("", [], {})


def leaves(values: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each value that is not a non-empty mapping, in the order of the file; a list is one value."""
    for key, value in values.items():
        place = (*path, key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, place)
        else:
            yield place, value
