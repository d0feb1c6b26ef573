"""What is in the output: a value counts as carried over only if the output changes with it.

Each scalar that a finding calls carried over is changed, alone, and the import is done again. Where no change of it
changes the output, it was lost on the way, whatever the table of values says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rasa_chart_import.entries import Table
from rasa_chart_import.findings import Finding, Outcome, Path, Place, is_empty, scalars, shown_place
from rasa_chart_import.reader import at

Output = Callable[[Mapping[str, Any]], str]
"""The output for values, as one text."""
LOST = "is not carried over: the output stays the same without it, since something that it belongs to is left out"
LAST_DIGITS = re.compile(r"[0-9]+(?=[^0-9]*$)")


def traced(finding: Finding, values: Mapping[str, Any], table: Table, output: Output, before: str) -> Finding:
    """Return the finding, corrected where the output does not have the value; `before` is the output as it is."""
    if finding.secret is not None and reference_text(*finding.secret) not in before:
        return Finding(finding.path, Outcome.NOT_NEEDED, "nothing in the output logs in with it")
    if finding.outcome not in (Outcome.MAPPED, Outcome.PARTLY):
        return finding
    value = at(values, finding.path)
    entry = table.entry_of(finding.path)
    probes = entry.probes if entry is not None else ()
    places = [place for place, scalar in scalars(value) if not is_empty(scalar)]
    lost = [place for place in places if not _is_visible(values, finding.path, place, probes, output, before)]
    if lost and len(lost) == len(places):
        return Finding(finding.path, Outcome.BY_HAND, LOST if finding.outcome is Outcome.MAPPED else finding.text)
    if not lost or finding.outcome is Outcome.PARTLY or (entry is not None and entry.whole):
        return finding
    names = ", ".join(shown_place(place) for place in lost[:5])
    return replace(finding, outcome=Outcome.PARTLY, text=f"{finding.text}; not in the output: {names}")


def text_of(output: Any) -> str:
    """Return an output as one text."""
    return json.dumps(output, sort_keys=True, default=str)


def reference_text(secret: str, key: str) -> str:
    """Return how a reference to a Secret stands in that text."""
    return text_of({"key": key, "name": secret})


def _is_visible(
    values: Mapping[str, Any], path: Path, place: Place, probes: tuple[Any, ...], output: Output, before: str
) -> bool:
    whole = (*path, *place)
    if output(_without(values, whole)) != before:
        return True
    old = _at(values, whole)
    if isinstance(whole[-1], int) and json.dumps(str(old))[1:-1] not in before:
        return False  # an item of a list has no default that it may be the same as
    others = (_with(values, whole, new) for new in (*_others(old), *(() if place else probes)))
    return any(output(changed) != before for changed in others)


def _others(value: Any) -> Iterator[Any]:
    """Yield values like this one."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif isinstance(value, str):
        number = LAST_DIGITS.search(value)
        if number is not None:
            yield f"{value[: number.start()]}{int(number.group()) + 1}{value[number.end() :]}"
        yield f"{value}x"


def _at(values: Any, place: Place) -> Any:
    for key in place:
        values = values[key]
    return values


def _with(values: Any, place: Place, new: Any) -> Any:
    """Return a copy with another value at a position."""
    if not place:
        return new
    key, rest = place[0], place[1:]
    if isinstance(values, list):
        return [_with(item, rest, new) if index == key else item for index, item in enumerate(values)]
    return {name: _with(item, rest, new) if name == key else item for name, item in values.items()}


def _without(values: Any, place: Place) -> Any:
    """Return a copy without the value at a position."""
    key, rest = place[0], place[1:]
    if isinstance(values, list):
        if not rest:
            return [item for index, item in enumerate(values) if index != key]
        return [_without(item, rest) if index == key else item for index, item in enumerate(values)]
    if not rest:
        return {name: item for name, item in values.items() if name != key}
    return {name: _without(item, rest) if name == key else item for name, item in values.items()}
