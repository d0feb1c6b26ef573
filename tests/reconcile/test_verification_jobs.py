"""A verification by a Job of the team: when it runs, how its end counts, and when it is deleted."""

from __future__ import annotations

from base64 import b64decode

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.cluster.errors import ApiError
from rasa_environments.controller.queue import DONE
from rasa_environments.domain.facts import Problem
from tests.reconcile.objects import environment, server
from tests.reconcile.verification_scene import BAD, CHECK, JOB_CHECK, KEY, Scene

LIVE = ObjectKey("bots", "live")
BOTH = {**CHECK, **JOB_CHECK}


def job_scene(*environments: str, check: JsonObject = JOB_CHECK) -> Scene:
    """The tag waits for a Job."""
    return Scene(*environments, verification={"candidate": check})


async def running(scene: Scene) -> JsonObject:
    """The Job that runs once the candidate is ready."""
    await scene.settles()
    scene.has_ready_candidate()
    await scene.settles()
    [job] = scene.jobs.jobs.values()
    return job


async def test_a_model_whose_job_completes_gets_the_tag() -> None:
    scene = job_scene()
    job = await running(scene)
    assert scene.tagged == ("False", "Verifying")
    assert scene.model_server.writes == []
    scene.jobs.ends()

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert scene.results == ["Succeeded"]
    assert [(each.environment, each.file, each.failure) for each in scene.cases] == [("bots/live", "jobTemplate", None)]
    assert scene.cases[0].name == job["metadata"]["name"]
    assert scene.candidate() is None


async def test_a_model_whose_job_fails_never_gets_the_tag_and_the_status_says_how_it_ended() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.has_pod(
        containerStatuses=[
            {"name": "test", "state": {"terminated": {"exitCode": 3, "reason": "Error", "message": "no\x1b hours"}}}
        ]
    )
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded", message="Job has reached the specified backoff limit")

    await scene.settles()

    assert scene.model_server.writes == []
    assert scene.tagged == ("False", "ModelRejected")
    assert scene.condition("Verified").reason == "VerificationFailed"
    message = scene.condition("Tagged").message
    for part in ("environment bots/live", "Job live-verification-", "container test exited with 3 (Error): no hours"):
        assert part in message
    [case] = scene.cases
    assert case.failure == "expected the Job to complete; container test exited with 3 (Error): no hours"


async def test_the_token_is_in_no_message_and_no_job() -> None:
    scene = job_scene()
    job = await running(scene)
    data = scene.children.objects["Secret", ObjectKey("bots", "live-rasa")]["data"]
    token = b64decode(data["token"]).decode()
    scene.jobs.has_pod(
        containerStatuses=[
            {"name": "test", "state": {"terminated": {"exitCode": 1, "message": f"GET /?token={token}"}}}
        ]
    )
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded")

    await scene.settles()

    assert "token=***" in scene.condition("Tagged").message
    assert token not in str(scene.api.statuses)
    assert token not in str(job)


async def test_a_job_that_never_ends_is_a_rejection_once_the_time_is_over() -> None:
    scene = job_scene()
    job = await running(scene)
    job["status"] = {"active": 1, "ready": 1}
    await scene.settles()
    assert "it runs" in scene.condition("Tagged").message
    scene.passes(301)

    await scene.settles()

    assert scene.condition("Verified").reason == "VerificationTimedOut"
    assert "it runs; it had not completed within 300 s" in scene.condition("Tagged").message
    assert scene.jobs.jobs == {}


async def test_a_job_that_kubernetes_ended_at_its_deadline_is_late_not_failed() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.ends("Failed", reason="DeadlineExceeded", message="Job was active longer than specified deadline")

    await scene.settles()

    assert scene.condition("Verified").reason == "VerificationTimedOut"
    assert "DeadlineExceeded: Job was active longer" in scene.condition("Tagged").message


IMAGE_FAULT = {"containerStatuses": [{"name": "test", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
UNSCHEDULED = {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes"}]}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (IMAGE_FAULT, "container test: ImagePullBackOff"),
        (UNSCHEDULED, "no node takes its pod: 0/1 nodes"),
        (None, "it has no pod: see `kubectl describe job live-verification-"),
    ],
    ids=["image", "nodes", "no pod"],
)
async def test_a_job_that_never_starts_says_why_at_once_and_in_the_rejection(
    status: JsonObject | None, told: str
) -> None:
    scene = job_scene()
    await running(scene)
    if status is not None:
        scene.jobs.has_pod(**status)

    await scene.settles()
    assert told in scene.condition("Tagged").message
    scene.passes(301)
    await scene.settles()

    assert scene.condition("Verified").reason == "VerificationTimedOut"
    assert told in scene.condition("Tagged").message


async def test_a_candidate_that_never_starts_is_what_its_job_waited_for() -> None:
    scene = job_scene()
    await scene.settles()
    scene.has_ready_candidate(ready=False)
    scene.passes(301)

    await scene.settles()

    assert scene.jobs.created == []
    assert (
        "its candidate is not ready: pod live-candidate-1 has not loaded the model" in scene.condition("Tagged").message
    )


async def test_the_job_starts_once_the_conversations_have_passed() -> None:
    scene = job_scene(check=BOTH)
    await scene.settles()
    assert (scene.bots.heard, scene.jobs.created) == ([], [])
    scene.has_ready_candidate()

    await scene.settles()

    assert (len(scene.bots.heard), len(scene.jobs.created)) == (2, 1)
    scene.jobs.ends()
    await scene.settles()
    assert [case.file for case in scene.cases] == [
        "jobTemplate",
        "conversations/tests.yaml",
        "conversations/tests.yaml",
    ]
    assert scene.model_server.writes == ["live on new"]


async def test_no_job_starts_if_a_conversation_failed() -> None:
    scene = job_scene(check=BOTH)
    scene.bots.answer = BAD
    await scene.settles()
    scene.has_ready_candidate()

    await scene.settles()

    assert scene.jobs.created == []
    assert scene.condition("Verified").reason == "VerificationFailed"


async def test_the_result_is_recorded_before_the_job_is_deleted() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded")

    result = await scene.tags.reconcile(KEY)
    assert (result.requeue_after, scene.results, len(scene.jobs.jobs)) == (0.0, ["Failed"], 1)
    await scene.tags.reconcile(KEY)

    assert scene.jobs.jobs == {}


async def test_at_rest_nothing_is_asked() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded")
    await scene.settles()
    asked = list(scene.jobs.requests)

    assert await scene.reconcile() == DONE

    assert scene.jobs.requests == asked


async def test_a_job_that_somebody_deletes_is_started_again() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.jobs.clear()

    await scene.settles()

    assert len(scene.jobs.created) == 2
    assert len(set(scene.jobs.created)) == 1


async def test_a_job_whose_candidate_was_replaced_starts_again() -> None:
    scene = job_scene()
    await running(scene)
    scene.has_ready_candidate(ip="10.0.0.2")
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded")

    await scene.settles()
    await scene.settles()

    assert scene.results == [None]
    [job] = scene.jobs.jobs.values()
    assert "http://10.0.0.2:5005" in str(job)


async def test_a_job_of_another_owner_in_its_place_decides_nothing() -> None:
    scene = job_scene()
    job = await running(scene)
    job["metadata"]["ownerReferences"] = [{"uid": "other", "controller": True}]
    scene.jobs.ends()
    await scene.settles()
    assert scene.results == [None]
    assert "belongs to another owner: delete it" in scene.condition("Tagged").message
    scene.passes(301)

    await scene.settles()

    assert scene.tagged == ("False", "ModelRejected")
    assert len(scene.jobs.jobs) == 1


REFUSED = ApiError(422, "Invalid", "spec.template.spec.containers[0].image: Required value")


async def test_a_template_that_the_api_server_refuses_is_a_condition_and_no_candidate_starts() -> None:
    scene = job_scene()
    scene.jobs.fault = REFUSED

    result = await scene.reconcile()

    assert scene.tagged == ("False", "JobRefused")
    assert scene.condition("Stalled").status == "True"
    assert "spec.verification.candidate.jobTemplate is refused: spec.template.spec.containers[0].image" in (
        scene.condition("Tagged").message
    )
    assert (scene.candidate(), scene.results, result.requeue_after) == (None, [], 30.0)
    scene.jobs.fault = None
    await scene.settles()
    assert scene.tagged == ("False", "Verifying")


async def test_a_template_that_names_another_service_account_is_refused() -> None:
    pod = {"serviceAccountName": "admin", "containers": [{"name": "test", "image": "tests:1"}]}
    scene = job_scene(check={"jobTemplate": {"spec": {"template": {"spec": pod}}}})

    await scene.reconcile()

    assert scene.tagged == ("False", "JobRefused")
    assert scene.jobs.requests == []


async def test_a_job_that_is_refused_once_the_candidate_runs_is_tried_until_the_time_is_over() -> None:
    scene = job_scene()
    await scene.settles()
    scene.has_ready_candidate()
    scene.jobs.fault = ApiError(403, "Forbidden", "exceeded quota")

    await scene.settles()
    assert "it is refused: exceeded quota" in scene.condition("Tagged").message
    scene.jobs.fault = None
    await scene.settles()

    assert len(scene.jobs.created) == 1


@pytest.mark.parametrize("check", [JOB_CHECK, BOTH], ids=["job", "both"])
async def test_no_job_runs_in_another_namespace_than_that_of_the_model_tag(check: JsonObject) -> None:
    scene = job_scene(check=check)
    scene.state.lister.environments.remove(LIVE)
    scene.state.lister.servers.put(
        server(defaults={"rasa": {"version": "3.6.21"}}, accessFrom={"namespaces": ["shop"]})
    )
    reference = {"name": "default", "namespace": "bots"}
    scene.state.lister.environments.put(environment("live", namespace="shop", uid="far", modelServerRef=reference))

    await scene.settles()

    assert scene.tagged == ("False", "NoCandidate")
    assert "jobTemplate" in scene.condition("Tagged").message
    assert scene.jobs.requests == []
    assert ("Deployment", ObjectKey("shop", "live-candidate")) not in scene.children.objects


async def test_a_job_ends_with_another_model_in_the_spec() -> None:
    scene = job_scene()
    job = await running(scene)
    scene.spec["model"] = "other"
    scene.wants()
    await scene.settles()
    scene.has_ready_candidate()

    await scene.settles()
    await scene.settles()

    [other] = scene.jobs.jobs.values()
    assert other["metadata"]["name"] != job["metadata"]["name"]


async def test_a_job_ends_with_its_model_tag_and_with_the_verification() -> None:
    for end in ("tag", "verification"):
        scene = job_scene()
        await running(scene)
        if end == "tag":
            scene.state.lister.tags.remove(KEY)
        else:
            del scene.spec["verification"]
            scene.wants()

        await scene.tags.reconcile(KEY)

        assert scene.jobs.jobs == {}, end


async def test_a_job_ends_with_its_environment() -> None:
    scene = job_scene()
    await running(scene)
    scene.state.lister.environments.remove(LIVE)

    await scene.settles()

    assert scene.jobs.jobs == {}
    assert scene.tagged == ("False", "NoCandidate")


async def test_a_job_ends_while_the_model_server_is_away() -> None:
    scene = job_scene()
    await running(scene)
    scene.observe(Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False))

    await scene.reconcile()

    assert scene.jobs.jobs == {}


async def test_a_retry_runs_another_job() -> None:
    scene = job_scene()
    first = await running(scene)
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded")
    await scene.settles()
    scene.passes(5)
    scene.wants(retry="now")

    second = await running(scene)

    assert first["metadata"]["name"] != second["metadata"]["name"]
