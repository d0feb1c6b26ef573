"""Reads values one by one, falls back to the chart's defaults, and records notes about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from rasa_chart_import import kinds
from rasa_chart_import.findings import Finding, Outcome, Path, is_empty, path_of, shown
from rasa_chart_import.placeholders import placeholder_in
from rasa_environments.api.problems import problems

NOT_CARRIED_OVER = "is not carried over"
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Kind(Protocol[T_co]):
    """The type of a value: one of rasa_chart_import.kinds."""

    def validate_python(self, value: Any, /) -> T_co:
        """Return the value in our terms. Raises pydantic.ValidationError if it does not fit."""


def at(values: Mapping[str, Any], path: Path) -> Any:
    """Return the value at a path, or None."""
    value: Any = values
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


class Reader:
    """The values of a file merged with the chart's defaults, and the notes made while reading them."""

    def __init__(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._values = values
        self._defaults = defaults
        self.notes: dict[Path, Finding] = {}
        self.remarks: list[str] = []
        """Further remarks for the user, which do not concern a single value of the file."""
        self.assumed: dict[Path, Any] = {}
        """Defaults of the chart that went into the resources, since the file does not set them."""

    def given(self, path: Path | str) -> Any:
        """Return the value in the file; None if it does not set one."""
        value = at(self._values, _path(path))
        return None if is_empty(value) else value

    def mapping(self, path: Path | str) -> Mapping[str, Any]:
        """Return the mapping in the file at a path, without defaults; an empty one if there is none."""
        value = self.given(path)
        return value if isinstance(value, Mapping) else {}

    def flag(self, path: Path | str) -> bool:
        """Return whether a switch is on, in the file or, also where that has no such value, by default."""
        found = self.take(path, kinds.FLAG)
        return at(self._defaults, _path(path)) is True if found is None else found

    def take(self, path: Path | str, kind: Kind[T]) -> T | None:
        """Return the value of the file, else of the chart; record it and return None if it does not fit our field."""
        place = _path(path)
        value = self.given(place)
        if value is None:
            value = at(self._defaults, place)
            if is_empty(value):
                return None
            self.assumed[place] = value
        elif isinstance(value, str) and (filled_in := placeholder_in(value)) is not None:
            self.by_hand(place, f"{NOT_CARRIED_OVER}: {filled_in}")
            return None
        try:
            return kind.validate_python(value)
        except ValidationError as error:
            self.refuse(place, "; ".join(problems(error)))
            return None

    def first(self, paths: Iterable[Path | str], kind: Kind[T]) -> T | None:
        """Return the value of the first of several names that the file sets, else the first default of one."""
        places = [_path(path) for path in paths]
        usual = next((place for place in places if not is_empty(at(self._defaults, place))), places[-1])
        chosen = next((place for place in places if self.given(place) is not None), usual)
        for place in places:
            if place != chosen:
                self.unused(place, f"{shown(chosen)} is set, too, and is used")
        return self.take(chosen, kind)

    def refuse(self, path: Path | str, problem: str) -> None:
        """Record that a value cannot be carried over; `problem` must not repeat the value, which may be a secret."""
        self.by_hand(path, f"{NOT_CARRIED_OVER}: {problem}")

    def mapped(self, path: Path | str, text: str) -> None:
        """Record where a value is now."""
        self._note(path, Outcome.MAPPED, text)

    def referred(self, path: Path | str, secret: str, key: str) -> None:
        """Record the Secret and key that have a value, and that the output refers to."""
        place = _path(path)
        text = f"key {key} of Secret {secret}, which the chart made"
        self.notes[place] = Finding(place, Outcome.REFERRED, text, (secret, key))

    def partly(self, path: Path | str, text: str) -> None:
        """Record which part of a value cannot be carried over."""
        self._note(path, Outcome.PARTLY, text)

    def unused(self, path: Path | str, text: str) -> None:
        """Record why a value is not needed."""
        self._note(path, Outcome.NOT_NEEDED, text)

    def by_hand(self, path: Path | str, text: str) -> None:
        """Record what to do by hand."""
        self._note(path, Outcome.BY_HAND, text)

    def _note(self, path: Path | str, outcome: Outcome, text: str) -> None:
        place = _path(path)
        before = self.notes.get(place)
        if outcome is Outcome.MAPPED and before is not None and before.text.startswith(NOT_CARRIED_OVER):
            return
        self.notes[place] = Finding(place, outcome, text)

    def note_of(self, leaf: Path) -> Finding | None:
        """Return the note for a value, or for what contains it."""
        return next(
            (self.notes[leaf[:length]] for length in range(len(leaf), 0, -1) if leaf[:length] in self.notes), None
        )


def _path(path: Path | str) -> Path:
    return path_of(path) if isinstance(path, str) else path
