"""The results for the values of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Position of a value: the keys from the top."""
Place: TypeAlias = tuple[str | int, ...]
"""Position of a scalar: keys, and indices of lists."""


class Outcome(StrEnum):
    """What happens to a value."""

    MAPPED = "carried over"
    """It is in the output: the program looks for it there."""
    REFERRED = "in a Secret"
    """It is in a Secret of the chart, which the output refers to."""
    PARTLY = "in part"
    """Some of it is in the output; the rest is left to do."""
    NOT_NEEDED = "not needed"
    BY_HAND = "by hand"


INCOMPLETE = frozenset({Outcome.PARTLY, Outcome.BY_HAND})
"""Outcomes that leave something to do."""


@dataclass(frozen=True)
class Finding:
    """The result for one value: where it is now, why it is not needed, or what to do by hand."""

    path: Path
    outcome: Outcome
    text: str
    secret: tuple[str, str] | None = None
    """Secret and key that hold it, for a value that the output refers to."""


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


def scalars(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield each scalar in a value, with its position in it."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from scalars(inner, (*place, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from scalars(inner, (*place, index))
    else:
        yield place, value


def shown_place(place: Place) -> str:
    """Return the position of a scalar within a value, such as `[0].secret.secretName`."""
    words = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return "".join(words).removeprefix(".")
