"""Conditions over time: transitions, and the smallest patch to a status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason

MAXIMUM_MESSAGE = 4096
"""Characters of a condition's message before truncation. The API server rejects more than 32768."""


def condition(kind: ConditionType, status: ConditionStatus, reason: Reason, message: str) -> Condition:
    """Return a condition as of now; `transitioned` sets its time."""
    if len(message) > MAXIMUM_MESSAGE:
        message = f"{message[: MAXIMUM_MESSAGE - 1]}…"
    return Condition(type=kind, status=status, reason=reason, message=message, last_transition_time="")


def condition_of(conditions: Iterable[Condition] | None, kind: str) -> Condition | None:
    """Return the condition of a type, or None; the type may be unknown to this version."""
    return next((entry for entry in conditions or () if entry.type == kind), None)


def is_true(conditions: Iterable[Condition] | None, kind: ConditionType) -> bool:
    """Return whether the condition of a type is True."""
    found = condition_of(conditions, kind)
    return found is not None and found.status == "True"


def transitioned(
    before: Sequence[Condition] | None, now: Sequence[Condition], *, generation: int, time: str
) -> tuple[Condition, ...]:
    """Return `now` with times: a condition whose status did not change keeps its last transition.

    Types that are not in `now` are dropped.
    """
    return tuple(
        replace(
            entry,
            observed_generation=generation,
            last_transition_time=old.last_transition_time
            if (old := condition_of(before, entry.type)) is not None and old.status == entry.status
            else time,
        )
        for entry in now
    )


def merge_patch(before: Mapping[str, object], after: Mapping[str, object]) -> JsonObject:
    """Return the JSON merge patch (RFC 7386) that turns `before` into `after`; empty if they are equal."""
    patch: JsonObject = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if old == value:
            continue
        patch[key] = merge_patch(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return patch


def overruled(conditions: Sequence[Condition], outranking: Sequence[Condition]) -> tuple[Condition, ...]:
    """Return the conditions, replaced by outranking ones of the same type."""
    types = {entry.type for entry in outranking}
    return (*outranking, *(entry for entry in conditions if entry.type not in types))
