"""Tables of a source's values: the result for each, unless reading it found something special."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rasa_chart_import.findings import Outcome, Path, path_of

SERVER = "ModelServer: "
DEFAULTS = "ModelServer: spec.defaults."
ENVIRONMENT = "DeploymentEnvironment: "


@dataclass(frozen=True)
class Entry:
    """The result for some values. `*` matches any key; a path covers everything below it."""

    paths: tuple[str, ...]
    outcome: Outcome
    text: str
    probes: tuple[Any, ...] = ()
    """Other values that change the output, for a value that only decides between a few results."""
    whole: bool = False
    """Whether a list counts as carried over if the output changes with any of its items."""


def mapped(text: str, *paths: str, probes: tuple[Any, ...] = (), whole: bool = False) -> Entry:
    """Return an entry for values that the output has."""
    return Entry(paths, Outcome.MAPPED, text, probes, whole)


def referred(text: str, *paths: str) -> Entry:
    """Return an entry for values that are in a Secret of the chart, which the output refers to."""
    return Entry(paths, Outcome.REFERRED, text)


def not_needed(text: str, *paths: str) -> Entry:
    """Return an entry for values that need no place."""
    return Entry(paths, Outcome.NOT_NEEDED, text)


def by_hand(text: str, *paths: str) -> Entry:
    """Return an entry for values that somebody has to carry over."""
    return Entry(paths, Outcome.BY_HAND, text)


def within(section: str, *keys: str) -> tuple[str, ...]:
    """Return the paths of some keys of a section."""
    return tuple(f"{section}.{key}" for key in keys)


@dataclass(frozen=True)
class Table:
    """All values of a source."""

    entries: Sequence[Entry]

    @cached_property
    def patterns(self) -> Sequence[tuple[Path, Entry]]:
        """The paths of all entries."""
        return tuple((path_of(path), entry) for entry in self.entries for path in entry.paths)

    def entry_of(self, path: Path) -> Entry | None:
        """Return the most specific entry for a value, or None."""
        fitting = [(len(pattern), entry) for pattern, entry in self.patterns if covers(pattern, path)]
        return max(fitting, key=lambda found: found[0])[1] if fitting else None


def covers(pattern: Path, path: Path) -> bool:
    """Return whether a path is at or below a pattern."""
    if len(pattern) > len(path) or pattern[0] not in ("*", path[0]):  # which is most of them
        return False
    return all(key in ("*", own) for key, own in zip(pattern, path, strict=False))
