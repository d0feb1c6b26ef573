"""What a Job has come to: its end, and what keeps its pods from starting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.domain.verification_jobs import (
    belongs_to,
    described_end,
    has_passed,
    has_started,
    obstacle,
    why_failed,
)

JOB = ObjectKey("bots", "live-verification-0123456789")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
KEYS = st.sampled_from(
    ["status", "conditions", "containerStatuses", "state", "terminated", "exitCode", "type", "phase", "waiting", "name"]
)
SHAPED = st.recursive(JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4))
OBJECTS = st.dictionaries(KEYS, SHAPED, max_size=4)


def job(**conditions: str) -> JsonObject:
    """A Job with these conditions."""
    return {"status": {"conditions": [{"type": kind, "status": status} for kind, status in conditions.items()]}}


def pod(created: str = "1", **terminated: object) -> JsonObject:
    """A pod whose container has ended."""
    return {
        "metadata": {"creationTimestamp": created},
        "status": {"containerStatuses": [{"name": "test", "state": {"terminated": terminated}}]},
    }


@pytest.mark.parametrize(
    ("made", "passed"),
    [
        ({}, None),
        (job(Complete="True"), True),
        (job(Complete="False"), None),
        (job(Failed="True"), False),
        (job(FailureTarget="True"), None),
        (job(SuccessCriteriaMet="True"), None),
        (job(Suspended="True"), None),
    ],
)
def test_only_its_final_conditions_end_a_job(made: JsonObject, passed: bool | None) -> None:
    assert has_passed(made) is passed


def test_a_job_that_ran_too_long_is_told_from_one_that_failed() -> None:
    late, failed = job(Failed="True"), job(Failed="True")
    late["status"]["conditions"][0] |= {"reason": "DeadlineExceeded", "message": "too long"}
    failed["status"]["conditions"][0] |= {"reason": "BackoffLimitExceeded"}

    assert why_failed(late) == (Reason.VERIFICATION_TIMED_OUT, "DeadlineExceeded: too long")
    assert why_failed(failed) == (Reason.VERIFICATION_FAILED, "BackoffLimitExceeded")


def test_the_latest_pod_says_how_it_ended() -> None:
    pods = [pod("2", exitCode=137, reason="OOMKilled"), pod("1", exitCode=1, reason="Error", message="first")]

    assert described_end(pods, ()) == "container test exited with 137 (OOMKilled)"


def test_a_container_that_ended_well_is_not_why_a_job_failed() -> None:
    pods = [pod("2", exitCode=0, reason="Completed"), pod("1", exitCode=1, reason="Error", message="first")]

    assert described_end(pods, ()) == "container test exited with 1 (Error): first"


def test_a_pod_that_was_evicted_is_told() -> None:
    evicted = {"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}

    assert described_end([evicted], ()) == "pod failed: Evicted: low on memory"


def test_what_is_published_is_one_line_of_limited_length_without_secrets() -> None:
    told = described_end([pod(exitCode=1, message="s3cret\n\x1b[31m" + "x" * 5000)], ("s3cret",))

    assert told is not None
    assert "s3cret" not in told
    assert told.isprintable()
    assert len(told) < 400


@given(made=OBJECTS, pods=st.lists(OBJECTS, max_size=2))
def test_no_content_of_a_job_or_a_pod_is_an_error(made: JsonObject, pods: list[JsonObject]) -> None:
    assert has_passed(made) in (True, False, None)
    assert has_started(made) in (True, False)
    assert belongs_to(made, "uid") is False
    assert described_end(pods, ()) is None or pods
    assert obstacle(JOB, pods, ()).isprintable()
