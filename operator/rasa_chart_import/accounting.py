"""A finding for each value of a file: the note made while it was read, else the entry in the table of values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from rasa_chart_import.entries import Table
from rasa_chart_import.findings import Finding, Outcome, Path, is_empty, leaves, scalars, shown, shown_place
from rasa_chart_import.placeholders import other_placeholder_in, placeholder_in
from rasa_chart_import.reader import Reader

INCLUDED = ("x-", "_", ".")
"""What a key begins with under which people write parts that others include by anchors."""
SOPS = "sops"
Harmless = Mapping[str, tuple[Any, ...]]
"""Settings that require nothing as long as they have these values."""


def findings_of(
    values: Mapping[str, Any], reader: Reader, table: Table, harmless: Harmless, free_form: Collection[Path]
) -> tuple[Finding, ...]:
    """Return a finding for each value, in the order of the file.

    Below `free_form`, Rasa itself replaces `${VARIABLE}`.
    """
    found = (_finding(path, value, reader, table, harmless) for path, value in leaves(values))
    given = dict(leaves(values))
    return tuple(_with_placeholders(each, given[each.path], free_form) for each in found)


def _finding(path: Path, value: Any, reader: Reader, table: Table, harmless: Harmless) -> Finding:
    entry = table.entry_of(path)
    note = reader.note_of(path)
    if entry is None and note is None:
        return _unknown(path, value, table)
    if is_empty(value) and (note is None or note.outcome is not Outcome.MAPPED):
        return Finding(path, Outcome.NOT_NEEDED, "nothing is set")
    if note is not None:
        return replace(note, path=path)
    if entry is not None and _is_harmless(path, value, harmless):
        return Finding(path, Outcome.NOT_NEEDED, "as the chart has it by default")
    return Finding(path, entry.outcome, entry.text) if entry is not None else _unknown(path, value, table)


def _is_harmless(path: Path, value: Any, harmless: Harmless) -> bool:
    usual = harmless.get(".".join(path), ())
    return any(type(value) is type(one) and value == one for one in usual)


def _unknown(path: Path, value: Any, table: Table) -> Finding:
    if path[0].startswith(INCLUDED):
        return Finding(path, Outcome.NOT_NEEDED, "a part that others include: what becomes of it is said there")
    if path[0] == SOPS:
        return Finding(path, Outcome.NOT_NEEDED, "about the encryption of the file by sops")
    known = [pattern for pattern, _ in table.patterns]
    if any(pattern[: len(path)] == path for pattern in known):
        if is_empty(value):
            return Finding(path, Outcome.NOT_NEEDED, "nothing is set")
        return Finding(path, Outcome.BY_HAND, "must be a mapping, as it is in the chart: nothing of it is carried over")
    near = get_close_matches(shown(path)[:100], [shown(pattern) for pattern in known], n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    return Finding(path, Outcome.BY_HAND, f"no release has such a value, and nothing is made of it{hint}")


def _with_placeholders(finding: Finding, value: Any, free_form: Collection[Path]) -> Finding:
    """Return the finding, with the placeholders that a value holds."""
    if finding.outcome not in (Outcome.MAPPED, Outcome.REFERRED):
        return finding
    is_free_form = any(finding.path[: len(path)] == path for path in free_form)
    look = other_placeholder_in if is_free_form else placeholder_in
    for place, scalar in scalars(value):
        meaning = look(scalar) if isinstance(scalar, str) else None
        if meaning is None:
            continue
        if finding.outcome is Outcome.REFERRED:
            return Finding(finding.path, Outcome.BY_HAND, f"{meaning}; the value itself is {finding.text}")
        where = f"at {shown_place(place)} " if place else ""
        return Finding(finding.path, Outcome.PARTLY, f"{finding.text}; {where}{meaning}")
    return finding
