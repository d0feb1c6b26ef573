"""What the conversations of a check have come to."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.verification import MAXIMUM_TEST_CASES
from rasa_environments.domain.expectations import ConversationResult, StepResult
from rasa_environments.domain.verdicts import HeldConversations, Verdict, verdict_of_conversations

ONE, TWO = ObjectKey("bots", "one"), ObjectKey("bots", "two")


def result(*, passed: bool = True, name: str = "greeting") -> ConversationResult:
    """A conversation with one expectation."""
    step = StepResult(2, "bot: Hello.", "" if passed else "Bye.", passed)
    return ConversationResult(name, "files/tests.yaml", (step,))


def verdict(held: HeldConversations, *, has_failed: bool = False, left: float = 60.0) -> Verdict | None:
    return verdict_of_conversations(held, has_failed=has_failed, unfinished="too late", left=left, pause=10.0)


def test_conversations_go_on_until_all_were_held_with_every_environment() -> None:
    held = HeldConversations((ONE, TWO), 2, {ONE: (result(), result()), TWO: (result(),)})

    assert verdict(held) == Verdict(None, held.cases, requeue_after=10.0)
    assert (held.late, held.count(TWO)) == (TWO, 1)


def test_once_all_have_passed_jobs_decide() -> None:
    assert verdict(HeldConversations((ONE, TWO), 1, {ONE: (result(),), TWO: (result(),)})) is None
    assert verdict(HeldConversations((ONE, TWO), 0)) is None


def test_more_conversations_than_a_status_shows_end_all_the_same() -> None:
    half = tuple(result(name=str(number)) for number in range(MAXIMUM_TEST_CASES))

    held = HeldConversations((ONE, TWO), MAXIMUM_TEST_CASES, {ONE: half, TWO: half})

    assert len(held.cases) == MAXIMUM_TEST_CASES
    assert verdict(held) is None


def test_conversations_with_an_environment_that_left_do_not_count() -> None:
    held = HeldConversations((TWO,), 2, {ONE: (result(passed=False), result()), TWO: (result(),)}, {ONE: "is away"})

    assert (held.late, held.fault, held.has_failed) == (TWO, None, False)
    assert {case.environment for case in held.cases} == {str(TWO)}


def test_a_failure_is_described_first() -> None:
    held = HeldConversations((ONE,), 2, {ONE: (result(), result(passed=False, name="farewell"))})

    found = verdict(held, has_failed=True)

    assert found is not None
    assert (found.passed, found.reason) == (False, Reason.VERIFICATION_FAILED)
    assert "test case 'farewell'" in found.message
    assert [case.name for case in found.cases] == ["farewell", "greeting"]


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_what_has_not_ended_in_time_has_failed(left: float) -> None:
    found = verdict(HeldConversations((ONE,), 1), left=left)

    assert found == Verdict(False, (), "too late", Reason.VERIFICATION_TIMED_OUT)


def test_a_pause_is_never_longer_than_the_time_that_is_left() -> None:
    found = verdict(HeldConversations((ONE,), 1), left=3.0)

    assert found is not None
    assert found.requeue_after == 3.0
