"""Conditions over time, and the patch with their changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.judge.conditions import (
    MAXIMUM_MESSAGE,
    condition,
    condition_of,
    is_true,
    merge_patch,
    transitioned,
)

BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.integers(0, 2) | st.lists(st.integers(0, 1), max_size=2),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)
TRUTHS: st.SearchStrategy[ConditionStatus] = st.sampled_from(["True", "False", "Unknown"])
JUDGEMENTS = st.dictionaries(st.sampled_from(list(ConditionType)), TRUTHS, max_size=5)


def patched(target: Any, patch: Any) -> Any:
    """The algorithm of RFC 7386, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


@given(before=OBJECTS, after=OBJECTS)
def test_the_patch_makes_after_of_before(before: JsonObject, after: JsonObject) -> None:
    assert patched(before, merge_patch(before, after)) == after


@given(before=OBJECTS, after=OBJECTS)
def test_the_patch_is_empty_exactly_where_nothing_moved(before: JsonObject, after: JsonObject) -> None:
    assert (merge_patch(before, after) == {}) is (before == after)


@given(same=OBJECTS, before=VALUES, after=VALUES)
def test_the_patch_leaves_out_what_stayed(same: JsonObject, before: object, after: object) -> None:
    patch = merge_patch({**same, "moved": before}, {**same, "moved": after})

    assert set(patch) <= {"moved"}


def judge(truths: Mapping[ConditionType, ConditionStatus], time: str = "") -> tuple[Condition, ...]:
    """Conditions with these statuses."""
    return tuple(
        replace(condition(kind, truth, Reason.SETTLED, "as it is"), last_transition_time=time)
        for kind, truth in truths.items()
    )


@given(before=JUDGEMENTS, now=JUDGEMENTS)
def test_a_time_moves_exactly_where_the_status_does(
    before: dict[ConditionType, ConditionStatus], now: dict[ConditionType, ConditionStatus]
) -> None:
    after = transitioned(judge(before, BEFORE), judge(now), generation=7, time=NOW)

    times = {ConditionType(entry.type): entry.last_transition_time for entry in after}
    assert times == {kind: BEFORE if before.get(kind) == truth else NOW for kind, truth in now.items()}
    assert {entry.observed_generation for entry in after} <= {7}


def test_what_is_reported_about_the_same_status_may_change_without_its_time() -> None:
    before = judge({ConditionType.READY: "False"}, BEFORE)
    now = (condition(ConditionType.READY, "False", Reason.TAG_NOT_FOUND, "another cause"),)

    (after,) = transitioned(before, now, generation=1, time=NOW)

    assert (after.reason, after.message, after.last_transition_time) == ("TagNotFound", "another cause", BEFORE)


def test_the_first_conditions_have_the_time_of_now() -> None:
    (after,) = transitioned(None, judge({ConditionType.READY: "True"}), generation=1, time=NOW)

    assert after.last_transition_time == NOW


def test_a_missing_condition_is_not_true() -> None:
    conditions = judge({ConditionType.READY: "True", ConditionType.STALLED: "False"})

    assert is_true(conditions, ConditionType.READY)
    assert not is_true(conditions, ConditionType.STALLED)
    assert not is_true(conditions, ConditionType.SERVED)
    assert condition_of(None, ConditionType.READY) is None


def test_a_message_that_is_too_long_is_cut() -> None:
    fits, too_long = "m" * MAXIMUM_MESSAGE, "m" * 100_000

    assert condition(ConditionType.READY, "True", Reason.READY, fits).message == fits
    cut = condition(ConditionType.READY, "True", Reason.READY, too_long).message
    assert len(cut) == MAXIMUM_MESSAGE
    assert cut.endswith("m…")
