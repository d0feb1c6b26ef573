"""A Job of the team on real pods talks to the environment that users meet, and its exit code decides over the tag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.network_policy import admits_jobs
from tests.e2e.caller import Caller
from tests.e2e.conftest import Lounge
from tests.e2e.models import ANSWERS, Models
from tests.e2e.pod_space import TAG, Life, PodSpace, model_tag
from tests.e2e.test_verification_job import NAME, SECONDS, Seen, seen, verified_by
from tests.e2e.visitors import NAMESPACE as VISITORS
from tests.integration.model_server_process import MODEL_A, MODEL_B

NAMESPACE = "verification-live-job"
CLOSED = {
    "from": "None",
    "allowFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": VISITORS}}}],
}
"""A NetworkPolicy that admits visitors, and of the environment's own namespace only the Jobs that test it."""


@dataclass(frozen=True)
class Start:
    """The first Job, and what there was by then."""

    job: JsonObject
    policy: JsonObject
    lives: list[Life]


@pytest.fixture(scope="module")
def environment(space: PodSpace) -> list[Life]:
    """Serves model A; returns its pods."""
    space.start(NAME, MODEL_A, networkPolicy=CLOSED)
    return space.lives(NAME)


def started(space: PodSpace) -> Start:
    """Wait until a Job has started."""
    job = space.eventually(lambda: space.list("Job"), "the Job to start", 200)[0]
    return Start(job, space.child("NetworkPolicy", NAME), space.lives(NAME))


@pytest.fixture(scope="module")
def rejected(
    space: PodSpace,
    caller: Caller,
    models: Models,
    talking: Lounge,
    measured: Callable[[str], None],
    environment: list[Life],
) -> tuple[Start, Seen]:
    """Promote model B while visitors chat; the Job expects the answer of model A."""
    with talking(NAMESPACE, space.url(NAME)) as visitors:
        verification = verified_by(space.cluster, ANSWERS[MODEL_A], "live")
        space.apply(model_tag(NAME, model=MODEL_B, verification=verification))
        start = started(space)
        space.wait_for_condition(TAG, NAME, "Tagged", status="False", reason="ModelRejected")
        visitors.wait_until_all_hear(ANSWERS[MODEL_A])
        talk = visitors.end()
    measured(talk.summary("rollback after a Job"))
    return start, seen(space, caller, models, talk, code=1)


@pytest.fixture(scope="module")
def passed(
    space: PodSpace,
    caller: Caller,
    models: Models,
    talking: Lounge,
    measured: Callable[[str], None],
    rejected: tuple[Start, Seen],
) -> Seen:
    """Correct the Job, and request a retry."""
    with talking(NAMESPACE, space.url(NAME)) as visitors:
        space.apply(model_tag(NAME, model=MODEL_B, verification=verified_by(space.cluster, ANSWERS[MODEL_B], "live")))
        space.command("retry", NAME)
        started(space)
        space.wait_for_condition(TAG, NAME, "Verified", status="True")
        visitors.wait_until_all_hear(ANSWERS[MODEL_B])
        talk = visitors.end()
    measured(talk.summary("promotion with a Job afterwards"))
    return seen(space, caller, models, talk, code=0)


pytestmark = pytest.mark.timeout(SECONDS)


def test_the_job_tests_the_service_of_the_environment(rejected: tuple[Start, Seen]) -> None:
    start, _ = rejected
    [container] = start.job["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each.get("value") for each in container["env"]}

    assert given["RASA_URL"] == f"http://{NAME}-rasa.{NAMESPACE}.svc:5005"
    assert (given["MODEL"], given["ENVIRONMENT"]) == (MODEL_B, NAME)


def test_the_network_policy_admits_the_job_before_it_starts(rejected: tuple[Start, Seen]) -> None:
    start, _ = rejected

    assert admits_jobs(start.policy, NAME)


def test_a_model_that_a_job_fails_loses_the_tag_again_and_no_request_fails(rejected: tuple[Start, Seen]) -> None:
    _, after = rejected

    assert (after.carries, after.says) == (MODEL_A, ANSWERS[MODEL_A])
    assert set(after.talk.last.values()) == {ANSWERS[MODEL_A]}
    assert after.talk.failed == []


def test_the_status_says_what_the_job_saw(rejected: tuple[Start, Seen]) -> None:
    reason, message = rejected[1].rejection

    assert reason == "VerificationFailed"
    assert "container greeting exited with 1 (Error)" in message
    assert f"{MODEL_B} in {NAME} says {ANSWERS[MODEL_B]!r}" in message


def test_a_model_whose_job_completes_keeps_the_tag_and_no_request_fails(passed: Seen) -> None:
    latest = passed.tag["status"]["verifications"][0]

    assert (passed.carries, passed.says) == (MODEL_B, ANSWERS[MODEL_B])
    assert (latest["name"], latest["stage"], latest["result"]) == (MODEL_B, "Live", "Succeeded")
    assert set(passed.talk.last.values()) == {ANSWERS[MODEL_B]}
    assert passed.talk.failed == []


def test_no_pod_of_the_environment_is_replaced_and_none_of_a_job_is_left(
    space: PodSpace, environment: list[Life], passed: Seen
) -> None:
    assert passed.jobs == []
    assert space.lives(NAME) == environment
    space.eventually(lambda: len(space.list("Pod")) == len(space.pods(NAME)), "the pods of the Jobs to be gone")
