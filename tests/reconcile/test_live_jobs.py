"""A Job of the team that tests an environment once it serves the model: when it runs, and what follows from its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.errors import ApiError
from rasa_environments.controller.queue import DONE
from rasa_environments.desired.context import child_key
from rasa_environments.desired.verification_job import url_of
from tests.reconcile.live_scene import BAD, CHECK, KEY, LiveScene
from tests.reconcile.objects import environment, server
from tests.reconcile.verification_scene import JOB_CHECK

LIVE = ObjectKey("bots", "live")
BOTH = {**CHECK, **JOB_CHECK}
SERVICE, ELSEWHERE = "http://live-rasa.bots.svc:5005", "http://rasa.example.com"


def job_scene(check: JsonObject = JOB_CHECK, on_failure: str = "Rollback", **more: Any) -> LiveScene:
    """The tag is to move to `new`, which a Job tests with the environment."""
    return LiveScene(verification={"live": check, "onFailure": on_failure, **more})


async def running(scene: LiveScene) -> JsonObject:
    """The Job that runs once the environment serves the model."""
    await scene.settles()
    [job] = scene.jobs.jobs.values()
    return job


def is_in_another_namespace(scene: LiveScene) -> None:
    """Another namespace than that of the ModelTag has the environment."""
    scene.state.lister.environments.remove(LIVE)
    scene.state.lister.servers.put(
        server(defaults={"rasa": {"version": "3.6.21"}}, accessFrom={"namespaces": ["shop"]})
    )
    reference = {"name": "default", "namespace": "bots"}
    scene.state.lister.environments.put(environment("live", namespace="shop", uid="far", modelServerRef=reference))


def runs_elsewhere(scene: LiveScene) -> None:
    """The server of the environment is not the operator's."""
    scene.secrets.contents[ObjectKey("bots", "outside")] = {"key": b"t0ken-of-elsewhere"}
    external = {"url": ELSEWHERE, "authToken": {"secretKeyRef": {"name": "outside", "key": "key"}}}
    scene.state.lister.environments.put(environment("live", uid="uid-live", version=9, external=external))


def is_closed(scene: LiveScene) -> None:
    """The NetworkPolicy of the environment admits nobody of its namespace."""
    made = environment("live", uid="uid-live", version=9, networkPolicy={"from": "None"})
    scene.state.lister.environments.put(made)


async def test_a_model_whose_job_completes_keeps_the_tag() -> None:
    scene = job_scene()
    job = await running(scene)
    assert scene.model_server.writes == ["live on new"]
    assert (scene.condition("Verified").status, scene.condition("Ready").status) == ("Unknown", "Unknown")
    assert f"Job {job['metadata']['name']}" in scene.condition("Verified").message
    scene.jobs.ends()

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert scene.stages == [("new", "Live", "Succeeded")]
    assert [(each.file, each.name, each.failure) for each in scene.cases] == [
        ("jobTemplate", job["metadata"]["name"], None)
    ]
    assert scene.condition("Verified").status == "True"
    assert (scene.jobs.jobs, len(scene.jobs.created)) == ({}, 1)


async def test_the_job_gets_the_service_of_the_environment_and_its_token_by_reference() -> None:
    job = await running(job_scene())

    [container] = job["spec"]["template"]["spec"]["containers"]
    assert url_of(job) == SERVICE
    assert {"secretKeyRef": {"name": "live-rasa", "key": "token"}} in [
        each.get("valueFrom") for each in container["env"]
    ]
    assert {"name": "MODEL", "value": "new"} in container["env"]


async def test_no_job_starts_before_the_environment_serves_the_model() -> None:
    scene = job_scene()
    scene.pulls = False

    await scene.settles()
    assert (scene.model_server.writes, scene.jobs.created) == (["live on new"], [])
    scene.pulls = True
    await scene.settles()

    assert len(scene.jobs.created) == 1


@pytest.mark.parametrize(("on_failure", "kept"), [("Rollback", "old"), ("Hold", "new")])
async def test_a_model_whose_job_fails_loses_the_tag_or_holds_it(on_failure: str, kept: str) -> None:
    scene = job_scene(on_failure=on_failure)
    await running(scene)
    scene.jobs.has_pod(
        containerStatuses=[{"name": "test", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]
    )
    scene.jobs.ends("Failed", reason="BackoffLimitExceeded")

    await scene.settles()

    assert scene.model_server.tags == {"live": kept}
    assert scene.stages == [("new", "Live", "Failed")]
    assert (scene.rejected, scene.jobs.jobs) == (["new"], {})
    assert scene.condition("Ready").reason == "ModelRejected"
    assert "container test exited with 3 (Error)" in scene.condition("Verified").message


async def test_a_job_that_never_ends_rejects_the_model_once_the_time_is_over() -> None:
    scene = job_scene()
    job = await running(scene)
    job["status"] = {"active": 1, "ready": 1}
    scene.passes(301)

    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert scene.condition("Verified").reason == "VerificationTimedOut"
    late = "it runs; it had not completed within 300 s (spec.verification.live.timeoutSeconds)"
    assert late in scene.condition("Verified").message
    assert scene.jobs.jobs == {}


async def test_a_job_that_never_starts_says_why_and_rejects_the_model() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.has_pod(containerStatuses=[{"name": "test", "state": {"waiting": {"reason": "ImagePullBackOff"}}}])
    await scene.settles()
    assert "container test: ImagePullBackOff" in scene.condition("Verified").message
    scene.passes(301)

    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert scene.condition("Verified").reason == "VerificationTimedOut"


async def test_an_environment_that_never_serves_the_model_rejects_it_without_a_job() -> None:
    scene = job_scene()
    scene.pulls = False
    await scene.settles()
    scene.passes(301)

    await scene.settles()

    assert (scene.model_server.tags, scene.jobs.created) == ({"live": "old"}, [])
    assert "environment bots/live does not serve it" in scene.condition("Verified").message


async def test_the_job_starts_once_the_conversations_have_passed() -> None:
    scene = job_scene(BOTH)

    await running(scene)
    assert len(scene.bots.heard) == 2
    scene.jobs.ends()
    await scene.settles()

    assert [case.file for case in scene.cases] == ["jobTemplate", *["conversations/tests.yaml"] * 2]
    assert len(scene.bots.heard) == 2


async def test_no_job_starts_if_a_conversation_failed() -> None:
    scene = job_scene(BOTH)
    scene.answers["new"] = BAD

    await scene.settles()

    assert (scene.jobs.created, scene.model_server.tags) == ([], {"live": "old"})


async def test_a_template_that_the_api_server_refuses_keeps_the_tag_where_it_is() -> None:
    scene = job_scene()
    scene.jobs.fault = ApiError(422, "Invalid", "spec.template.spec.containers[0].image: Required value")

    result = await scene.reconcile()

    assert (scene.model_server.writes, scene.stages, result.requeue_after) == ([], [], 30.0)
    assert scene.tagged == ("False", "JobRefused")
    assert "spec.verification.live.jobTemplate is refused: spec.template" in scene.condition("Tagged").message
    scene.jobs.fault = None
    await scene.settles()
    assert scene.model_server.writes == ["live on new"]


@pytest.mark.parametrize("check", [JOB_CHECK, BOTH], ids=["job", "both"])
async def test_a_job_that_could_run_in_no_environment_keeps_the_tag_where_it_is(check: JsonObject) -> None:
    scene = job_scene(check)
    is_in_another_namespace(scene)

    await scene.reconcile()

    assert (scene.model_server.writes, scene.jobs.requests) == ([], [])
    assert scene.tagged == ("False", "NoEnvironment")
    assert "spec.verification.live.jobTemplate runs in namespace bots alone" in scene.condition("Tagged").message


async def test_a_server_that_runs_elsewhere_is_tested_where_it_is_with_its_own_token_and_an_account_made_for_it() -> (
    None
):
    scene = job_scene()
    runs_elsewhere(scene)

    job = await running(scene)

    pod = job["spec"]["template"]["spec"]
    assert url_of(job) == ELSEWHERE
    assert {"secretKeyRef": {"name": "outside", "key": "key"}} in [
        each.get("valueFrom") for each in pod["containers"][0]["env"]
    ]
    account = scene.children.objects["ServiceAccount", child_key(LIVE)]
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False
    assert [kind for kind, _ in scene.children.objects] == ["ServiceAccount"]


@pytest.mark.parametrize(("end", "kept"), [("Complete", "new"), ("Failed", "old")])
async def test_the_end_of_a_job_decides_over_a_server_that_runs_elsewhere_and_its_token_is_not_told(
    end: str, kept: str
) -> None:
    scene = job_scene()
    runs_elsewhere(scene)
    await running(scene)
    ended = {"exitCode": 3, "reason": "Error", "message": "I was given t0ken-of-elsewhere"}
    scene.jobs.has_pod(containerStatuses=[{"name": "test", "state": {"terminated": ended}}])
    scene.jobs.ends(end)

    await scene.settles()

    assert scene.model_server.tags == {"live": kept}
    assert scene.jobs.jobs == {}
    assert "t0ken" not in scene.condition("Verified").message


async def test_a_model_without_an_environment_that_runs_the_job_never_counts_as_verified() -> None:
    scene = job_scene()
    scene.pulls = False
    await scene.settles()
    is_in_another_namespace(scene)
    scene.passes(3600)

    await scene.settles()

    assert (scene.stages, scene.jobs.created) == ([("new", "Live", None)], [])
    assert scene.condition("Verified").reason == "NoEnvironment"


async def test_a_job_that_somebody_deleted_starts_again_only_once_the_environment_can_be_reached() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.jobs.clear()
    scene.state.pods.put(ObjectKey("bots", "live-rasa-1"), None)

    result = await scene.tags.reconcile(KEY)
    assert (len(scene.jobs.created), result.requeue_after) == (1, 5.0)
    assert "it has not started: environment bots/live: it has no ready pod" in scene.condition("Verified").message
    await scene.settles()

    assert (len(scene.jobs.created), len(set(scene.jobs.created))) == (2, 1)


async def test_with_another_environment_the_time_is_recorded_before_its_job_starts() -> None:
    scene = job_scene()
    await running(scene)
    scene.state.lister.environments.remove(LIVE)
    await scene.settles()
    scene.passes(3600)
    scene.state.lister.environments.put(environment("live", tag="live", uid="another", version=9))
    await scene.reconcile_environments()

    await scene.tags.reconcile(KEY)
    assert len(scene.jobs.created) == 1
    assert (scene.tag.status.verifications or [])[0].start_time == scene.now()
    await scene.settles()

    assert len(set(scene.jobs.created)) == len(scene.jobs.created) == 2


async def test_a_candidate_and_the_environment_have_a_job_each() -> None:
    scene = job_scene(candidate=JOB_CHECK)
    await scene.reconcile()
    while scene.stages != [("new", "Live", "Succeeded"), ("new", "Candidate", "Succeeded")]:
        await scene.reconcile()
        if scene.candidate() is not None:
            scene.has_ready_candidate()
        scene.jobs.ends()

    await scene.settles()

    assert (len(set(scene.jobs.created)), scene.jobs.created) == (2, list(dict.fromkeys(scene.jobs.created)))
    assert (scene.jobs.jobs, scene.model_server.writes) == ({}, ["live on new"])


async def test_the_result_is_recorded_before_the_job_is_deleted() -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.ends()

    result = await scene.tags.reconcile(KEY)
    assert (result.requeue_after, scene.results, len(scene.jobs.jobs)) == (0.0, ["Succeeded"], 1)
    await scene.tags.reconcile(KEY)

    assert scene.jobs.jobs == {}


@pytest.mark.parametrize("end", ["Complete", "Failed"])
async def test_at_rest_nothing_is_asked_and_nothing_written(end: str) -> None:
    scene = job_scene()
    await running(scene)
    scene.jobs.ends(end)
    await scene.settles()
    before = list(scene.jobs.requests), list(scene.api.requests)

    assert await scene.reconcile() == DONE

    assert (scene.jobs.requests, scene.api.requests) == before


async def test_another_template_runs_another_job_within_the_same_time() -> None:
    scene = job_scene()
    first = await running(scene)
    began = (scene.tag.status.verifications or [])[0].start_time
    scene.passes(5)
    scene.spec["verification"]["live"] = {
        "jobTemplate": {"spec": {**JOB_CHECK["jobTemplate"]["spec"], "backoffLimit": 1}}
    }
    scene.wants()

    second = await running(scene)

    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert second["spec"]["backoffLimit"] == 1
    assert (scene.tag.status.verifications or [])[0].start_time == began


async def test_a_retry_runs_another_job_and_ends_the_first() -> None:
    scene = job_scene()
    first = await running(scene)
    scene.passes(5)
    scene.wants(retry="now")

    second = await running(scene)

    assert first["metadata"]["name"] != second["metadata"]["name"]


@pytest.mark.parametrize("end", ["model", "verification", "environment", "tag"])
async def test_a_job_ends_with_what_it_was_for(end: str) -> None:
    scene = job_scene()
    job = await running(scene)
    scene.pulls = False
    if end == "model":
        scene.spec["model"] = "other"
        scene.wants()
    elif end == "verification":
        del scene.spec["verification"]
        scene.wants()
    elif end == "environment":
        scene.state.lister.environments.remove(LIVE)
    else:
        scene.state.lister.tags.remove(KEY)

    for _ in range(4):
        await scene.tags.reconcile(KEY)

    assert job["metadata"]["name"] not in [key.name for key in scene.jobs.jobs]


async def test_the_network_policy_admits_the_job_for_as_long_as_the_model_tag_asks_for_one() -> None:
    scene = job_scene()
    is_closed(scene)
    jobs = {"podSelector": {"matchLabels": {"rasa-environments.io/verification-of": "live"}}}

    await scene.reconcile()
    policy = scene.children.objects["NetworkPolicy", child_key(LIVE)]
    assert [rule["from"] for rule in policy["spec"]["ingress"]] == [[jobs]]
    job = await running(scene)
    assert job["spec"]["template"]["metadata"]["labels"].items() >= jobs["podSelector"]["matchLabels"].items()
    scene.spec["verification"]["live"] = CHECK
    scene.wants()
    await scene.settles()

    assert scene.children.objects["NetworkPolicy", child_key(LIVE)]["spec"]["ingress"] == []


@pytest.mark.parametrize(
    ("place", "missing"),
    [
        (is_closed, "NetworkPolicy bots/live-rasa does not admit its pod yet"),
        (runs_elsewhere, "ServiceAccount bots/live-rasa is not there yet"),
    ],
    ids=["NetworkPolicy", "ServiceAccount"],
)
async def test_a_job_for_a_model_that_is_served_already_waits_for_what_the_environment_gets_for_it(
    place: Callable[[LiveScene], None], missing: str
) -> None:
    scene = job_scene(CHECK)
    place(scene)
    await scene.settles()
    scene.passes(5)
    scene.spec["verification"]["live"] = JOB_CHECK
    scene.wants(retry="now")

    for _ in range(5):
        await scene.tags.reconcile(KEY)

    assert scene.jobs.created == []
    assert f"it has not started: {missing}" in scene.condition("Verified").message
    await scene.reconcile_environments()
    await scene.tags.reconcile(KEY)
    assert len(scene.jobs.created) == 1
