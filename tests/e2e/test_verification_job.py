"""A Job of the team on real pods talks to a candidate with real Rasa, and its exit code decides over a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from local.images import OPERATOR_IMAGE
from rasa_environments.api.base import JsonObject
from tests.e2e.caller import Caller
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Lounge
from tests.e2e.models import ANSWERS, Models
from tests.e2e.pod_space import TAG, PodSpace, model_tag
from tests.e2e.visitors import Talk
from tests.integration.model_server_process import MODEL_A, MODEL_B

NAMESPACE = "verification-job"
NAME = "production"
SECONDS = 2600
"""For both verifications, with the starts of two candidates."""


@dataclass(frozen=True)
class Seen:
    """What there is after a verification."""

    tag: JsonObject
    says: str
    carries: str
    jobs: list[JsonObject]
    talk: Talk
    report: JsonObject

    @property
    def rejection(self) -> tuple[str, str]:
        """Reason and message of the only model that was rejected."""
        [entry] = self.tag["status"]["rejected"]
        return entry["reason"], entry["message"]


def verified_by(cluster: Cluster, answer: str, stage: str = "candidate") -> JsonObject:
    """A verification by a Job that passes if the bot greets with this answer."""
    container = {
        "name": "greeting",
        "image": OPERATOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", cluster.script("tester")],
        "env": [{"name": "EXPECTED", "value": answer}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    template = {"spec": {"containers": [container]}}
    return {stage: {"jobTemplate": {"spec": {"template": template}}, "timeoutSeconds": 300}}


def seen(space: PodSpace, caller: Caller, models: Models, talk: Talk, code: int) -> Seen:
    """What there is now, once the Job is gone."""
    space.eventually(lambda: not space.list("Job"), "the Job to be gone")
    report = json.loads(space.command("verification", NAME, "-o", "json", code=code))
    says = caller.says(space.url(NAME))
    return Seen(space.get(TAG, NAME), says, models.tags()[NAME], space.list("Job"), talk, report)


@pytest.fixture(scope="module")
def rejected(space: PodSpace, caller: Caller, models: Models, talking: Lounge) -> Seen:
    """Promote model B while visitors chat; the Job expects the answer of model A."""
    space.start(NAME, MODEL_A, networkPolicy={"from": "SameNamespace"})
    with talking(NAMESPACE, space.url(NAME)) as visitors:
        verification = verified_by(space.cluster, ANSWERS[MODEL_A])
        space.apply(model_tag(NAME, model=MODEL_B, verification=verification))
        space.eventually(lambda: space.list("Job"), "the Job to start", 200)
        space.wait_for_condition(TAG, NAME, "Tagged", status="False", reason="ModelRejected")
        talk = visitors.end()
    return seen(space, caller, models, talk, code=1)


@pytest.fixture(scope="module")
def passed(
    space: PodSpace, caller: Caller, models: Models, talking: Lounge, measured: Callable[[str], None], rejected: Seen
) -> Seen:
    """Correct the Job, and request a retry."""
    with talking(NAMESPACE, space.url(NAME)) as visitors:
        space.apply(model_tag(NAME, model=MODEL_B, verification=verified_by(space.cluster, ANSWERS[MODEL_B])))
        space.command("retry", NAME)
        space.eventually(lambda: space.list("Job"), "the Job to start", 200)
        space.wait_until_served(NAME, MODEL_B)
        visitors.wait_until_all_hear(ANSWERS[MODEL_B])
        talk = visitors.end()
    measured(talk.summary("promotion after a Job"))
    return seen(space, caller, models, talk, code=0)


pytestmark = pytest.mark.timeout(SECONDS)


def test_a_model_that_a_job_fails_never_gets_the_tag(rejected: Seen) -> None:
    assert rejected.carries == MODEL_A
    assert rejected.says == ANSWERS[MODEL_A]
    assert set(rejected.talk.answers) == {ANSWERS[MODEL_A]}
    assert rejected.talk.failed == []


def test_the_status_has_the_exit_code_and_the_last_words_of_the_job(rejected: Seen) -> None:
    reason, message = rejected.rejection

    assert reason == "VerificationFailed"
    assert "container greeting exited with 1 (Error)" in message
    assert f"{MODEL_B} in {NAME} says {ANSWERS[MODEL_B]!r}" in message


def test_a_model_whose_job_completes_gets_the_tag(passed: Seen) -> None:
    assert passed.carries == MODEL_B
    assert passed.says == ANSWERS[MODEL_B]
    assert passed.talk.failed == []
    assert passed.tag["status"]["verifications"][0]["result"] == "Succeeded"


def test_the_report_has_the_job_as_a_test_case(rejected: Seen, passed: Seen) -> None:
    for each in (rejected, passed):
        [case] = each.report["testCases"]
        assert (case["environment"], case["file"]) == (f"{NAMESPACE}/{NAME}", "jobTemplate")
    assert (rejected.report["result"], passed.report["result"]) == ("Failed", "Succeeded")


def test_nothing_is_left_of_the_job(passed: Seen, space: PodSpace) -> None:
    assert passed.jobs == []
    space.eventually(
        lambda: len(space.list("Pod")) == len(space.pods(NAME)), "the pods of Job and candidate to be gone"
    )
