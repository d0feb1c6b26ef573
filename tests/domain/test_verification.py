"""Which models have to be verified, and what a status keeps of it."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import MAXIMUM_REJECTED, MAXIMUM_TEST_CASES, MAXIMUM_VERIFICATIONS
from rasa_environments.domain.expectations import ConversationResult, StepResult
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.domain.verification import (
    Progress,
    case_results,
    described_failure,
    failed,
    has_passed,
    recorded,
    rejection,
    seconds_left,
    started,
    succeeded,
    was_served,
)

TIME, LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:05:00Z"
NEW, OTHER = TaggedModel("new", "1"), TaggedModel("new", "2")
CHECK = {"candidate": {"conversations": [{"configMapKeyRef": {"name": "a", "key": "b"}}]}}
REJECTED = {"name": "new", "hash": "1", "reason": "VerificationFailed", "message": "", "rejectedTime": TIME}
RUNNING = {"name": "new", "hash": "1", "stage": "Candidate", "conversationsDigest": "d", "startTime": TIME}
PASSED = {**RUNNING, "result": "Succeeded", "completionTime": LATER}


def tag(status: JsonObject, retry: str | None = None, **spec: Any) -> ModelTag:
    """A ModelTag with that status."""
    metadata: JsonObject = {"name": "live", "namespace": "bots"}
    if retry is not None:
        metadata["annotations"] = {"rasa-environments.io/retry-requested-at": retry}
    spec = {"model": "new", "verification": CHECK, **spec}
    return ModelTag.model_validate({"metadata": metadata, "spec": spec, "status": status})


def result(*passed: bool, name: str = "greeting") -> ConversationResult:
    """A conversation with an expectation at each step."""
    steps = (StepResult(step, "bot: Hi.", "Ho.", each) for step, each in enumerate(passed, start=1))
    return ConversationResult(name, "conversations/tests.yaml", tuple(steps))


def test_a_rejection_counts_for_the_model_that_the_spec_names() -> None:
    assert rejection(recorded(tag({"rejected": [REJECTED]}), "new"), NEW) is not None
    assert rejection(recorded(tag({"rejected": [REJECTED]}), "new"), OTHER) is None
    assert recorded(tag({"rejected": [REJECTED]}, model="else"), "else").rejected == ()
    assert recorded(tag({"rejected": [REJECTED]}, verification=None), "new").rejected == ()


def test_a_new_request_ends_a_rejection_once() -> None:
    asked = recorded(tag({"rejected": [REJECTED], "verifications": [RUNNING]}, retry="1"), "new")
    again = recorded(tag({"rejected": [REJECTED], "lastHandledRetryAt": "1"}, retry="1"), "new")

    assert (asked.rejected, asked.records, asked.handled_retry) == ((), (), "1")
    assert (len(again.rejected), again.handled_retry) == (1, "1")


def test_a_verification_in_progress_ends_with_the_desire_for_its_model() -> None:
    status = {"verifications": [RUNNING, {**PASSED, "name": "old"}]}

    assert [each.name for each in recorded(tag(status), "new").records] == ["new", "old"]
    assert [each.name for each in recorded(tag(status, model="else"), "else").records] == ["old"]
    assert [each.name for each in recorded(tag(status, verification=None), "new").records] == ["old"]


def test_a_model_has_passed_with_these_conversations_and_this_content() -> None:
    progress = recorded(tag({"verifications": [PASSED]}), "new")

    assert has_passed(progress, NEW, "d")
    assert not has_passed(progress, NEW, "e")
    assert not has_passed(progress, OTHER, "d")
    assert not has_passed(recorded(tag({"verifications": [RUNNING]}), "new"), NEW, "d")


def test_a_verification_keeps_its_start() -> None:
    first = started(Progress(), NEW, "d", TIME)
    later = started(first, NEW, "d", LATER)

    assert first == later
    assert seconds_left(later, LATER, 400) == 100
    assert started(first, OTHER, "d", LATER).records[0].start_time == LATER
    assert len(started(first, NEW, "e", LATER).records) == 1


@pytest.mark.parametrize("time", ["not a time", "2026-01-01T12:00:00"])
def test_an_edited_time_is_no_bug(time: str) -> None:
    progress = recorded(tag({"verifications": [{**RUNNING, "startTime": time}]}), "new")

    assert seconds_left(progress, LATER, 30) < 0


def test_a_passed_verification_has_a_result_and_no_candidate() -> None:
    progress = succeeded(started(Progress(), NEW, "d", TIME), case_results([]), LATER)

    assert progress.rejected == ()
    assert (progress.records[0].result, progress.records[0].completion_time) == ("Succeeded", LATER)


def test_a_failed_one_rejects_its_model() -> None:
    cases = case_results([(ObjectKey("bots", "live"), result(True, False))])

    progress = failed(started(Progress(), NEW, "d", TIME), Reason.VERIFICATION_FAILED, "why", cases, LATER)

    assert [(each.name, each.hash, each.message) for each in progress.rejected] == [("new", "1", "why")]
    assert progress.records[0].result == "Failed"
    assert progress.records[0].test_cases == list(cases)


def test_what_is_kept_is_limited_and_only_the_latest_has_its_test_cases() -> None:
    progress = Progress()
    for number in range(30):
        model = TaggedModel(f"m{number}", str(number))
        cases = case_results([(ObjectKey("bots", "live"), result(False))])
        progress = failed(started(progress, model, "d", TIME), Reason.VERIFICATION_FAILED, "why", cases, LATER)

    assert (len(progress.records), len(progress.rejected)) == (MAXIMUM_VERIFICATIONS, MAXIMUM_REJECTED)
    assert progress.records[0].name == "m29"
    assert [bool(each.test_cases) for each in progress.records] == [True] + [False] * (MAXIMUM_VERIFICATIONS - 1)


def test_failed_test_cases_come_first() -> None:
    key = ObjectKey("bots", "live")
    results = [(key, result(True, name=f"good {number}")) for number in range(MAXIMUM_TEST_CASES)]

    cases = case_results([*results, (key, result(True, False, name="bad"))])

    assert len(cases) == MAXIMUM_TEST_CASES
    assert (cases[0].name, cases[0].step, cases[1].step) == ("bad", 2, None)
    assert described_failure(cases[0]) == (
        "environment bots/live: test case 'bad' of conversations/tests.yaml, step 2: expected bot: Hi.; the bot "
        "answered: Ho."
    )


@pytest.mark.parametrize(
    ("status", "tagged", "served"),
    [
        ({}, None, False),
        ({}, NEW, True),
        ({}, TaggedModel("old", "0"), False),
        ({"taggedModel": {"name": "new", "hash": "1"}}, None, True),
        ({"taggedModel": {"name": "new", "hash": "2"}}, NEW, False),
        ({"taggedModel": {"name": "old", "hash": "0"}}, NEW, False),
        ({"taggedModel": {"name": "old", "hash": "0"}, "previousModel": {"name": "new", "hash": "1"}}, None, True),
        (
            {
                "taggedModel": {"name": "old", "hash": "0"},
                "history": [{"model": "new", "hash": "1", "taggedTime": TIME}],
            },
            None,
            True,
        ),
    ],
)
def test_a_model_that_had_the_tag_needs_no_verification(
    status: JsonObject, tagged: TaggedModel | None, *, served: bool
) -> None:
    assert was_served(tag(status), NEW, tagged) is served
