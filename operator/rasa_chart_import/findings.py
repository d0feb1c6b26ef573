"""What became of each value of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Where a value stands: the keys from the top."""


class Outcome(StrEnum):
    """What becomes of a value."""

    MAPPED = "mapped"
    NOT_NEEDED = "not needed"
    BY_HAND = "by hand"


@dataclass(frozen=True)
class Finding:
    """What became of one value: where it is now, why it is not needed, or what a person has to do."""

    path: Path
    outcome: Outcome
    text: str


def path_of(text: str) -> Path:
    """The keys of a path without dots in its keys, such as `rasa.port`."""
    return tuple(text.split("."))


def shown(path: Path) -> str:
    r"""The path as `helm --set` takes it: a dot within a key is written `\.`."""
    return ".".join(key.replace(".", r"\.") for key in path)


def is_empty(value: object) -> bool:
    """Whether a value says nothing: null, an empty text, list or mapping."""
    return value is None or value in ("", [], {})


def leaves(values: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value that is no mapping with something in it, a list being one value, in the order of the file."""
    for key, value in values.items():
        place = (*path, key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, place)
        else:
            yield place, value
