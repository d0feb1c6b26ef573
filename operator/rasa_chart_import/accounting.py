"""A finding for each value of a file: the note made while it was read, else the entry in the table of values."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rasa_chart_import.chart import HARMLESS
from rasa_chart_import.findings import Finding, Outcome, Path, is_empty, leaves, shown
from rasa_chart_import.mapping import PATTERNS, entry_of
from rasa_chart_import.reader import Reader


def findings_of(values: Mapping[str, Any], reader: Reader) -> tuple[Finding, ...]:
    """Return a finding for each value, in the order of the file."""
    return tuple(_finding(path, value, reader) for path, value in leaves(values))


def _finding(path: Path, value: Any, reader: Reader) -> Finding:
    entry = entry_of(path)
    note = reader.note_of(path)
    if entry is None and note is None:
        return _unknown(path, value)
    if is_empty(value) and (note is None or note.outcome is not Outcome.MAPPED):
        return Finding(path, Outcome.NOT_NEEDED, "nothing is set")
    if note is not None:
        return Finding(path, note.outcome, note.text)
    if entry is not None and _is_harmless(path, value):
        return Finding(path, Outcome.NOT_NEEDED, "as the chart has it by default")
    return Finding(path, entry.outcome, entry.text) if entry is not None else _unknown(path, value)


def _is_harmless(path: Path, value: Any) -> bool:
    usual = HARMLESS.get(".".join(path), ())
    return any(type(value) is type(one) and value == one for one in usual)


def _unknown(path: Path, value: Any) -> Finding:
    known = [pattern for pattern, _ in PATTERNS]
    if any(pattern[: len(path)] == path for pattern in known):
        if is_empty(value):
            return Finding(path, Outcome.NOT_NEEDED, "nothing is set")
        return Finding(path, Outcome.BY_HAND, "must be a mapping, as it is in the chart: nothing of it is carried over")
    near = get_close_matches(shown(path)[:100], [shown(pattern) for pattern in known], n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    return Finding(path, Outcome.BY_HAND, f"the chart has no such value, and nothing is made of it{hint}")
