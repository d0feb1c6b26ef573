"""The candidates of a verification: when they run, when they go, and what they are not asked."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.model_tag import ModelTagStatus
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.rasa.errors import UnreachableError
from rasa_environments.rasa.peers import Peer
from tests.reconcile.objects import environment, rasa_error, tag
from tests.reconcile.verification_scene import KEY, Scene

LIVE = ObjectKey("bots", "live")


async def test_an_environment_that_may_not_pull_the_tag_has_no_candidate() -> None:
    scene = Scene("live", "spare")

    await scene.reconcile()

    assert scene.candidate("live") is not None
    assert scene.candidate("spare") is None


async def test_a_pod_of_another_model_is_not_asked() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate()
    scene.spec["model"] = "other"
    scene.wants()

    await scene.settles()

    assert scene.bots.heard == []
    assert scene.tag.status.candidate_model is not None
    assert scene.tag.status.candidate_model.name == "other"
    assert scene.results == [None]


async def test_a_candidate_that_never_starts_is_a_rejection_that_says_so() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate(ready=False)
    await scene.settles()
    assert scene.tagged == ("False", "Verifying")
    scene.passes(301)

    await scene.settles()

    assert scene.tagged == ("False", "ModelRejected")
    message = scene.condition("Verified").message
    assert scene.condition("Verified").reason == "VerificationTimedOut"
    assert "its candidate was not ready within 300 s" in message
    assert "pod live-candidate-1 has not loaded the model" in message


async def test_a_candidate_that_does_not_answer_is_asked_again_until_it_is_too_late() -> None:
    scene = Scene()
    scene.bots.fault = rasa_error(UnreachableError, Peer.RASA_SERVER)
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    assert scene.tagged == ("False", "Verifying")
    scene.bots.fault = None
    await scene.settles()
    assert scene.tagged == ("True", "Tagged")

    scene = Scene()
    scene.bots.fault = rasa_error(UnreachableError, Peer.RASA_SERVER)
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    scene.passes(301)
    await scene.settles()
    assert "0 of 2 conversations were held within 300 s" in scene.condition("Verified").message


async def test_where_no_candidate_can_run_the_tag_stays() -> None:
    scene = Scene()
    external = environment(
        "live",
        version=2,
        external={"url": "http://rasa:5005", "authToken": {"secretKeyRef": {"name": "a", "key": "b"}}},
    )
    scene.state.lister.environments.put(external)

    await scene.tags.reconcile(KEY)

    assert scene.tagged == ("False", "NoCandidate")
    assert "bots/live: its server runs elsewhere" in scene.condition("Tagged").message


async def test_the_number_of_candidates_is_limited() -> None:
    scene = Scene(limit=1)
    record = {"name": "new", "hash": "1", "stage": "Candidate", "conversationsDigest": "d", "startTime": scene.now()}
    busy = tag("busy", model="new", verification=scene.spec["verification"])
    status = ModelTagStatus.model_validate({"verifications": [record]})
    scene.state.lister.tags.put(busy.model_copy(update={"status": status}))
    scene.state.lister.environments.put(environment("busy"))
    await scene.reconcile()
    assert "namespace bots has 1 of the 1 candidates that it may have now" in scene.condition("Tagged").message
    assert scene.results == []


async def test_a_candidate_goes_with_the_verification() -> None:
    scene = Scene()
    await scene.reconcile()
    assert scene.candidate() is not None

    del scene.spec["verification"]
    scene.wants()
    await scene.reconcile()

    assert scene.candidate() is None
    assert scene.model_server.writes == ["live on new"]
    assert scene.tag.status.candidate_model is None


async def test_a_candidate_goes_with_its_model_tag() -> None:
    scene = Scene()
    await scene.reconcile()
    assert scene.candidate() is not None

    scene.state.lister.tags.remove(KEY)
    await scene.reconcile()

    assert scene.candidate() is None


async def test_an_environment_that_is_suspended_has_no_candidate() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.state.lister.environments.put(environment("live", uid="uid-live", version=2, suspend=True))

    await scene.reconcile()

    assert scene.candidate() is None
    assert "bots/live: it is suspended" in scene.condition("Tagged").message


async def test_a_verification_starts_anew_with_another_environment() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.state.lister.environments.remove(LIVE)
    await scene.settles()
    assert scene.tagged == ("False", "NoCandidate")
    assert scene.results == []
    scene.passes(3600)

    scene.state.lister.environments.put(environment("live", uid="another"))
    await scene.settles()

    assert scene.tagged == ("False", "Verifying")


async def test_a_candidate_that_cannot_be_created_is_tried_again_and_concerns_the_model_tag_alone() -> None:
    scene = Scene()
    apply = scene.children.apply

    async def refuse_candidates(desired: JsonObject, **more: Any) -> Outcome:
        if desired["kind"] == "Deployment" and desired["metadata"]["name"].endswith("-candidate"):
            raise ApiError(403, "Forbidden", "exceeded quota: pods")
        return await apply(desired, **more)

    scene.children.apply = refuse_candidates  # type: ignore[method-assign]
    await scene.tags.reconcile(KEY)

    result = await scene.environments.reconcile(LIVE)

    assert result.requeue_after == 10.0
    known = scene.state.lister.environments.get(LIVE)
    assert known is not None
    assert [each.reason for each in known.status.conditions or () if each.type == "Stalled"] == ["Settled"]
    scene.passes(301)
    await scene.settles()
    assert "exceeded quota: pods" in scene.condition("Verified").message
    scene.children.apply = apply  # type: ignore[method-assign]
    assert (await scene.environments.reconcile(LIVE)).requeue_after is None
