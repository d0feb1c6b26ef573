"""Who may have a ModelTag run a Job: each way to set a jobTemplate, asked of the real API server."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from tests.api.api_server import Answer, wait_until
from tests.integration.manifests import model_tag
from tests.integration.people import RUNS_JOBS, Person, Team, bind, lacks, new_team, refusal

TAG = "ModelTag"
CONVERSATIONS = [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}]


def verification(image: str | None = "tests:1", **check: Any) -> JsonObject:
    """A verification by a Job with that image, or by conversations alone."""
    pod = {"containers": [{"name": "test", "image": image}]}
    job = {} if image is None else {"jobTemplate": {"spec": {"template": {"spec": pod}}}}
    return {"verification": {"candidate": {"conversations": CONVERSATIONS, **job, **check}}}


def runs_job(person: str, namespace: str) -> str:
    """The message when somebody with `promote` lacks the right to run Jobs."""
    return (
        f'user "{person}" may not set jobTemplate in spec.verification, which runs a Job: needs the verb "create" on '
        f'jobs.batch in namespace "{namespace}"'
    )


def given(team: Team, image: str | None) -> None:
    """A ModelTag with or without a Job, from the administrator."""
    answer = team.administrator.create(model_tag(model="A", **verification(image)))
    assert answer.accepted, answer.body["message"]


ADDITIONS = {
    "merge patch": lambda person: person.change(TAG, "production", **verification("tests:2")),
    "apply": lambda person: person.apply(model_tag(model="A", **verification("tests:2"))),
    "JSON patch": lambda person: person.json_patch(
        TAG,
        "production",
        {
            "op": "add",
            "path": "/spec/verification/candidate/jobTemplate",
            "value": verification("tests:2")["verification"]["candidate"]["jobTemplate"],
        },
    ),
    "with another model": lambda person: person.change(TAG, "production", model="B", **verification("tests:2")),
    "with the environments": lambda person: person.change(
        TAG, "production", verification={"live": verification()["verification"]["candidate"]}
    ),
    "more pods": lambda person: person.change(
        TAG, "production", verification={"candidate": {"jobTemplate": job_spec(backoffLimit=6)}}
    ),
}


def job_spec(**spec: Any) -> JsonObject:
    """A jobTemplate with more in its spec."""
    made: JsonObject = verification()["verification"]["candidate"]["jobTemplate"]
    return {"spec": {**made["spec"], **spec}}


@pytest.mark.parametrize("before", [None, "tests:1"], ids=["none before", "another before"])
@pytest.mark.parametrize("attempt", ADDITIONS.values(), ids=ADDITIONS)
def test_setting_a_job_needs_the_right_to_create_jobs_besides_promote(
    team: Team, attempt: Any, before: str | None
) -> None:
    given(team, before)

    refused: Answer = attempt(team.person("alice"))
    permitted: Answer = attempt(team.person("judy"))

    assert refusal(refused) == runs_job("alice", team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_creating_a_model_tag_with_a_job_needs_it_too(team: Team) -> None:
    manifest = model_tag(model="A", **verification())

    assert refusal(team.person("alice").create(manifest)) == runs_job("alice", team.namespace)
    assert team.person("judy").create(manifest).accepted


@pytest.mark.parametrize("image", [None, "tests:2"], ids=["removed", "another"])
def test_the_right_to_create_jobs_is_not_promote(team: Team, image: str | None) -> None:
    given(team, "tests:1")
    kim = team.person("kim")

    answer = kim.json_patch(TAG, "production", _replaced(image))

    assert refusal(answer) == lacks("kim", "production", team.namespace)


def _replaced(image: str | None) -> JsonObject:
    path = "/spec/verification/candidate/jobTemplate"
    if image is None:
        return {"op": "remove", "path": path}
    return {"op": "replace", "path": path, "value": verification(image)["verification"]["candidate"]["jobTemplate"]}


def test_the_right_to_create_jobs_elsewhere_does_not_count(team: Team) -> None:
    elsewhere = new_team(team.api)
    bind(team.api, RUNS_JOBS, "alice", elsewhere.namespace)
    there, here = Person(team.api, "alice", elsewhere.namespace), team.person("alice")
    manifest = model_tag(model="A", **verification())

    wait_until(lambda: there.create(manifest, dryRun="All").accepted, "the right to be in force")
    assert refusal(here.create(manifest)) == runs_job("alice", team.namespace)


def test_beside_a_job_that_stays_promote_is_enough(team: Team) -> None:
    given(team, "tests:1")
    alice = team.person("alice")

    for change in (
        {"model": "B"},
        {"verification": {"candidate": {"timeoutSeconds": 60}}},
        {"verification": {"candidate": {"jobTemplate": None}}},
    ):
        answer = alice.change(TAG, "production", **change)
        assert answer.accepted, answer.body["message"]


INVALID = {
    "neither conversations nor a job": ({"conversations": None}, "must have conversations"),
    "no template": ({"jobTemplate": {"spec": {}}}, "spec.verification.candidate.jobTemplate.spec.template"),
    "a pod in place of its template": (
        {"jobTemplate": {"spec": {"template": {"containers": [{"name": "test"}]}}}},
        "must be under template.spec",
    ),
    "too many pods": ({"jobTemplate": job_spec(backoffLimit=7)}, "backoffLimit"),
}


@pytest.mark.parametrize(("check", "told"), INVALID.values(), ids=INVALID)
def test_what_cannot_be_a_job_is_refused(team: Team, check: JsonObject, told: str) -> None:
    answer = team.administrator.create(model_tag(model="A", **verification(None, **check)))

    assert answer.status == 422
    assert told in answer.body["message"]


@pytest.mark.parametrize("field", ["parallelism", "completions", "selector", "ttlSecondsAfterFinished"])
def test_a_field_of_a_job_that_the_operator_sets_is_unknown(team: Team, field: str) -> None:
    manifest = model_tag(model="A", **verification(None, jobTemplate=job_spec(**{field: 1})))

    answer = team.administrator.create(manifest, fieldValidation="Strict")

    assert answer.status == 400
    assert f'unknown field "spec.verification.candidate.jobTemplate.spec.{field}"' in answer.body["message"]
