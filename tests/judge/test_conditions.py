"""Conditions over time, and the patch that writes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.conditions import Condition, ConditionType, Reason, Truth
from rasa_environments.judge.conditions import (
    condition,
    condition_of,
    is_true,
    merge_patch,
    reconciling,
    stalled,
    transitioned,
)
from rasa_environments.judge.findings import Problem

EARLIER, NOW = "2026-01-01T12:00:00Z", "2026-01-01T12:05:00Z"
MINE = Problem(Reason.INVALID_SPEC, "spec.x is wrong")
WAITING = Problem(Reason.WAITING_FOR_PODS, "waiting for pods", stalled=False)

scalars = st.booleans() | st.integers() | st.text(max_size=5)
documents = st.recursive(
    scalars | st.lists(scalars, max_size=3), lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=4)
)
objects = st.dictionaries(st.text(max_size=3), documents, max_size=5)


def ready(status: Truth, message: str = "", time: str = EARLIER) -> Condition:
    """A Ready condition as it was written."""
    reason = Reason.READY if status == "True" else Reason.WAITING_FOR_PODS
    judged = condition(ConditionType.READY, status, reason, message)
    return judged.model_copy(update={"last_transition_time": time, "observed_generation": 1})


def test_a_condition_whose_status_stays_keeps_its_time() -> None:
    before = [ready("True", "serves A")]

    (after,) = transitioned(before, [ready("True", "serves B")], generation=2, time=NOW)

    assert (after.last_transition_time, after.message, after.observed_generation) == (EARLIER, "serves B", 2)


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_condition_whose_status_moves_gets_the_time(status: Truth) -> None:
    (after,) = transitioned([ready("True")], [ready(status)], generation=1, time=NOW)

    assert after.last_transition_time == NOW


def test_a_new_condition_gets_the_time() -> None:
    (after,) = transitioned(None, [ready("True", time="")], generation=1, time=NOW)

    assert after.last_transition_time == NOW


def test_a_condition_that_is_no_longer_judged_is_dropped() -> None:
    shared = condition(ConditionType.STORES_SHARED, "False", Reason.REPLICAS_WITHOUT_SHARED_STORES, "")

    after = transitioned([ready("True"), shared], [ready("True")], generation=1, time=NOW)

    assert [entry.type for entry in after] == ["Ready"]


@given(st.lists(st.sampled_from(["True", "False", "Unknown"]), min_size=2, max_size=8))
def test_the_time_is_that_of_the_last_move(truths: list[Truth]) -> None:
    conditions: tuple[Condition, ...] = ()
    for minute, truth in enumerate(truths):
        conditions = transitioned(conditions, [ready(truth)], generation=1, time=f"{minute}")

    moves = [minute for minute, truth in enumerate(truths) if minute == 0 or truth != truths[minute - 1]]
    assert conditions[0].last_transition_time == f"{moves[-1]}"


def test_judging_the_same_again_makes_no_patch() -> None:
    before = transitioned(None, [ready("True")], generation=1, time=EARLIER)

    after = transitioned(before, [ready("True")], generation=1, time=NOW)

    assert after == before


@pytest.mark.parametrize(
    ("trouble", "is_reconciling", "is_stalled"),
    [(None, "False", "False"), (MINE, "False", "True"), (WAITING, "True", "False")],
    ids=["nothing", "a person has to act", "on its way"],
)
def test_trouble_is_either_on_its_way_or_a_persons_business(
    trouble: Problem | None, is_reconciling: str, is_stalled: str
) -> None:
    assert (reconciling(trouble).status, stalled(trouble).status) == (is_reconciling, is_stalled)


def test_a_condition_is_found_by_its_type() -> None:
    conditions = [ready("True")]

    assert condition_of(conditions, ConditionType.READY) == conditions[0]
    assert condition_of(conditions, ConditionType.STALLED) is None
    assert condition_of(None, ConditionType.READY) is None


@pytest.mark.parametrize(("status", "expected"), [("True", True), ("False", False), ("Unknown", False)])
def test_only_true_is_true(status: Truth, expected: bool) -> None:
    assert is_true([ready(status)], ConditionType.READY) is expected


@given(objects, objects)
def test_a_patch_makes_the_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert applied(merge_patch(before, after), before) == after


@given(objects)
def test_what_is_equal_needs_no_patch(document: dict[str, Any]) -> None:
    assert merge_patch(document, document) == {}


@given(objects, objects)
def test_a_patch_names_only_what_differs(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = merge_patch(before, after)

    assert all(name not in before or name not in after or before[name] != after[name] for name in patch)


def applied(patch: Any, target: Any) -> Any:
    """The merge of RFC 7386, section 2, as its pseudocode has it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(value, result.get(name))
    return result
