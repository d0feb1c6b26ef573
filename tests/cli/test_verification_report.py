"""A verification as text, JSON and JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import VerificationRecord
from rasa_environments.cli.verification_report import as_json, as_junit, as_lines, latest

TIME = "2026-01-01T12:00:00Z"
PASSED: JsonObject = {"environment": "bots/live", "file": "tests/a.yaml", "name": "greeting"}
FAILED: JsonObject = {**PASSED, "name": "hours", "step": 2, "expectation": "bot: <9>", "actual": 'at "9" & 10'}
JOB: JsonObject = {"environment": "bots/live", "file": "jobTemplate", "name": "live-verification-0123456789"}
FAILED_JOB: JsonObject = {**JOB, "expectation": "the Job to complete", "actual": "container test exited with 3 (Error)"}


def verification(result: str | None, *cases: JsonObject) -> tuple[ModelTag, VerificationRecord]:
    """A ModelTag with a verification, and that verification."""
    model = {"name": "new", "hash": "1"}
    record: JsonObject = {**model, "stage": "Candidate", "conversationsDigest": "d", "startTime": TIME}
    record |= {"testCases": list(cases)} | ({} if result is None else {"result": result, "completionTime": TIME})
    rejected = {**model, "reason": "VerificationFailed", "message": "too late", "rejectedTime": TIME}
    status = {"verifications": [record], **({"rejected": [rejected]} if result == "Failed" else {})}
    metadata = {"name": "live", "namespace": "bots"}
    tag = ModelTag.model_validate({"metadata": metadata, "spec": {"model": "new"}, "status": status})
    found = latest(tag)
    assert found is not None
    return tag, found


def test_junit_counts_and_names_what_failed() -> None:
    root = ET.fromstring(as_junit(*verification("Failed", FAILED, PASSED)))

    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    [suite] = root
    assert (suite.get("name"), suite.get("timestamp")) == ("new", TIME)
    failed, passed = suite
    assert (failed.get("classname"), failed.get("name")) == ("bots/live tests/a.yaml", "hours")
    [failure] = failed
    assert (failure.tag, failure.text) == ("failure", 'step 2: expected bot: <9>; the bot answered: at "9" & 10')
    assert (passed.get("name"), list(passed)) == ("greeting", [])


def test_junit_of_a_model_that_ran_out_of_time_has_an_error() -> None:
    root = ET.fromstring(as_junit(*verification("Failed")))

    assert (root.get("tests"), root.get("errors")) == ("1", "1")
    [error] = root.iter("error")
    assert error.text == "too late"


def test_junit_of_a_model_that_passed_has_no_failure() -> None:
    root = ET.fromstring(as_junit(*verification("Succeeded", PASSED)))

    assert root.attrib == {"tests": "1", "failures": "0", "errors": "0"}


def test_json_has_the_fields_of_the_status_and_the_reason() -> None:
    found = as_json(*verification("Failed", FAILED))

    assert (found["result"], found["tag"], found["message"]) == ("Failed", "live", "too late")
    assert found["testCases"] == [FAILED]


def test_text_shows_each_test_case_and_what_the_bot_answered() -> None:
    assert list(as_lines(*verification("Failed", FAILED, PASSED))) == [
        f"model new for tag live: Failed, started {TIME}",
        "FAILED  bots/live  tests/a.yaml  hours",
        '        step 2: expected bot: <9>; the bot answered: at "9" & 10',
        "passed  bots/live  tests/a.yaml  greeting",
    ]
    assert list(as_lines(*verification(None))) == [f"model new for tag live: in progress, started {TIME}"]
    assert list(as_lines(*verification("Failed")))[-1] == "too late"


def test_what_a_terminal_obeys_or_xml_must_not_have_is_escaped_whoever_wrote_the_status() -> None:
    case = {**FAILED, "name": "a\x1b[2J", "actual": "\x1b]0;title\x07 \x9b31m \u202e \ufffe \x00"}
    found = verification("Failed", case)

    shown = "\n".join(as_lines(*found))

    assert all(character.isprintable() or character == "\n" for character in shown)
    [element] = ET.fromstring(as_junit(*found)).iter("testcase")
    assert element.get("name") == r"a\x1b[2J"


def test_a_reason_with_control_characters_is_valid_xml() -> None:
    tag, record = verification("Failed")
    [rejected] = tag.status.rejected or []
    status = tag.status.model_copy(update={"rejected": [rejected.model_copy(update={"message": "late\x1b\x00"})]})

    root = ET.fromstring(as_junit(tag.model_copy(update={"status": status}), record))

    assert [each.text for each in root.iter("error")] == [r"late\x1b\x00"]


def two_stages(live: str | None) -> tuple[ModelTag, VerificationRecord]:
    """A ModelTag whose model has passed with a candidate, and was then verified live."""
    tag, candidate = verification("Succeeded", PASSED)
    record = VerificationRecord.model_validate(
        {
            **candidate.model_dump(by_alias=True, exclude={"test_cases", "result", "completion_time"}),
            "stage": "Live",
            **({} if live is None else {"result": live, "completionTime": TIME, "testCases": [FAILED]}),
        }
    )
    status = tag.status.model_copy(update={"verifications": [record, candidate]})
    return tag.model_copy(update={"status": status}), record


def test_both_stages_are_shown_in_the_order_in_which_they_took_place() -> None:
    assert list(as_lines(*two_stages("Failed"))) == [
        f"model new for tag live: Succeeded, started {TIME}",
        "passed  bots/live  tests/a.yaml  greeting",
        f"model new live, with tag live: Failed, started {TIME}",
        "FAILED  bots/live  tests/a.yaml  hours",
        '        step 2: expected bot: <9>; the bot answered: at "9" & 10',
    ]


def test_junit_has_a_suite_for_each_stage() -> None:
    root = ET.fromstring(as_junit(*two_stages("Failed")))

    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    assert [(suite.get("name"), suite.get("failures")) for suite in root] == [("new", "0"), ("new live", "1")]


def test_json_has_the_latest_stage_and_what_the_model_passed_before() -> None:
    found = as_json(*two_stages(None))

    assert (found["stage"], "result" in found) == ("Live", False)
    assert [(each["stage"], each["result"]) for each in found["earlierStages"]] == [("Candidate", "Succeeded")]


def test_a_job_is_a_test_case_in_every_format() -> None:
    told = "expected the Job to complete; container test exited with 3 (Error)"
    root = ET.fromstring(as_junit(*verification("Failed", FAILED_JOB, PASSED)))

    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    [failure] = root.iter("failure")
    assert failure.text == told
    assert root[0][0].get("classname") == "bots/live jobTemplate"
    assert list(as_lines(*verification("Failed", FAILED_JOB)))[1:] == [
        "FAILED  bots/live  jobTemplate  live-verification-0123456789",
        f"        {told}",
    ]
    assert as_json(*verification("Succeeded", JOB))["testCases"] == [JOB]
