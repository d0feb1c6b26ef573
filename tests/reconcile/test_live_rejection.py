"""A model that fails its verification after it got the tag: rolled back or held, and what holds neither."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.domain.facts import Problem
from tests.reconcile.live_scene import BAD, GOOD, KEY, LiveScene, rejected_live
from tests.reconcile.objects import server

LIVE = ObjectKey("bots", "live")


async def test_a_model_that_answers_otherwise_loses_the_tag_to_the_last_one() -> None:
    scene = await rejected_live()

    assert scene.model_server.writes == ["live on new", "live on old"]
    assert scene.stages == [("new", "Live", "Failed")]
    assert scene.rejected == ["new"]
    assert scene.tagged == ("False", "ModelRejected")
    assert scene.condition("Verified").reason == "VerificationFailed"
    for part in ("environment bots/live", "'opening hours'", "step 2", "bot: We open at 9.", "We never open."):
        assert part in scene.condition("Tagged").message
    status = scene.tag.status
    assert status.desired_model is not None
    assert status.desired_model.name == "old"
    assert [(each.model, each.cause, each.live_verification) for each in (status.history or [])[:2]] == [
        ("old", "Rollback", None),
        ("new", "Promotion", "Failed"),
    ]
    assert status.history is not None
    assert (status.history[0].promoted_by, status.history[0].message) == (None, "model new failed its verification")
    told = dict.fromkeys(each for each in scene.events.reasons if each in {"Promoted", "ModelRejected", "RolledBack"})
    assert list(told) == [
        "Promoted",
        "ModelRejected",
        "RolledBack",
    ]
    assert scene.state.promotions.results == {"promoted": 1, "rolled_back": 1, "failed": 0, "rejected": 1}


async def test_the_rejection_is_recorded_before_the_tag_goes_back() -> None:
    scene = LiveScene()
    scene.answers["new"] = BAD
    while not scene.rejected:
        await scene.reconcile()

    assert scene.model_server.tags == {"live": "new"}
    assert (await scene.tags.reconcile(KEY)).requeue_after is None
    assert scene.model_server.tags == {"live": "old"}


async def test_the_tag_goes_back_to_the_model_that_passed_rather_than_to_one_that_was_only_served() -> None:
    scene = LiveScene()
    await scene.settles()
    verification = scene.spec.pop("verification")
    scene.spec["model"] = "other"
    scene.wants()
    await scene.settles()
    scene.model_server.hashes["bad"], scene.answers["bad"] = "4" * 32, BAD
    scene.observe()
    scene.spec |= {"verification": verification, "model": "bad"}
    scene.wants()
    await scene.settles()

    assert scene.model_server.writes[-2:] == ["live on bad", "live on new"]


async def test_the_tag_never_goes_back_to_a_model_that_failed() -> None:
    scene = await rejected_live(on_failure="Hold")
    scene.spec["verification"]["onFailure"] = "Rollback"
    scene.answers["other"] = BAD
    scene.spec["model"] = "other"
    scene.wants()

    await scene.settles()

    assert scene.model_server.writes == ["live on new", "live on other", "live on old"]
    assert scene.tag.status.previous_model is None


async def test_without_an_earlier_model_the_tag_stays_and_the_condition_says_so() -> None:
    scene = LiveScene()
    scene.model_server.tags.clear()
    scene.wants(observedGeneration=1)
    scene.observe()
    scene.answers["new"] = BAD

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert (scene.condition("Ready").status, scene.condition("Ready").reason) == ("False", "ModelRejected")
    assert scene.tagged == ("True", "Tagged")
    assert "keeps tag live, since no earlier model can have it" in scene.condition("Verified").message
    assert scene.rejected == ["new"]


async def test_an_earlier_model_that_is_no_longer_on_the_server_does_not_get_the_tag() -> None:
    scene = LiveScene()
    scene.had_before("old", "other")
    scene.answers["new"] = BAD
    while not scene.rejected:
        await scene.reconcile()
    del scene.model_server.hashes["old"]
    scene.observe()

    await scene.settles()

    assert scene.model_server.writes == ["live on new", "live on other"]


async def test_with_hold_the_tag_stays_on_a_rejected_model() -> None:
    scene = await rejected_live(on_failure="Hold")

    assert scene.model_server.writes == ["live on new"]
    assert scene.tagged == ("True", "Tagged")
    assert (scene.condition("Ready").status, scene.condition("Ready").reason) == ("False", "ModelRejected")
    assert (scene.condition("Stalled").status, scene.condition("Verified").reason) == ("True", "VerificationFailed")
    message = scene.condition("Ready").message
    assert "keeps tag live, since spec.verification.onFailure is Hold" in message
    assert "We never open." in message
    assert scene.tag.status.desired_model is not None
    assert scene.tag.status.desired_model.name == "new"


async def test_with_hold_automation_pauses() -> None:
    scene = LiveScene(on_failure="Hold", model=None, follow={"namePattern": "new*", "newestBy": "Name"})
    scene.answers["new"] = BAD
    await scene.settles()
    scene.model_server.hashes["new-2"] = "5" * 32
    scene.observe()

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert scene.condition("Promoted").reason == "ModelRejected"
    assert "set spec.model, or request another verification" in scene.condition("Promoted").message


async def test_with_rollback_automation_goes_on_with_the_next_model() -> None:
    scene = LiveScene(model=None, follow={"namePattern": "new*", "newestBy": "Name"})
    scene.answers["new"] = BAD
    await scene.settles()
    assert scene.model_server.writes == ["live on new", "live on old"]
    assert scene.condition("Promoted").reason == "ModelRejected"
    scene.model_server.hashes["new-2"] = "5" * 32
    scene.observe()

    await scene.settles()

    assert scene.model_server.writes[2:] == ["live on new-2"]
    assert scene.stages[0] == ("new-2", "Live", "Succeeded")


@pytest.mark.parametrize("on_failure", ["Rollback", "Hold"])
async def test_a_retry_verifies_a_rejected_model_once_more(on_failure: str) -> None:
    scene = await rejected_live(on_failure=on_failure)
    scene.answers["new"] = GOOD

    scene.wants(retry="today")
    await scene.settles()

    assert scene.model_server.tags == {"live": "new"}
    assert (scene.stages, scene.rejected) == ([("new", "Live", "Succeeded")], [])
    assert scene.condition("Verified").status == "True"
    assert (scene.tag.status.history or [])[0].live_verification == "Succeeded"


async def test_a_rejected_model_that_is_promoted_again_later_is_verified_again() -> None:
    scene = await rejected_live()
    scene.spec["model"] = "old"
    scene.wants()
    await scene.settles()
    assert scene.rejected == []

    scene.spec["model"] = "new"
    scene.wants()
    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert [text for _, _, text in scene.bots.heard] == ["when are you open?"] * 2
    assert scene.rejected == ["new"]


async def test_a_rejected_model_is_gone_although_the_next_one_has_yet_to_be_verified() -> None:
    scene = LiveScene(candidate=True)
    scene.answers["new"] = BAD
    while not scene.rejected:
        await scene.reconcile()
        if scene.candidate() is not None:
            scene.has_ready_candidate()
    scene.spec["model"] = "other"
    scene.wants()

    await scene.tags.reconcile(KEY)

    assert scene.model_server.tags == {"live": "old"}
    assert scene.tagged == ("False", "Verifying")


async def test_users_are_protected_while_the_model_server_is_away() -> None:
    scene = LiveScene()
    scene.answers["new"] = BAD
    scene.pulls = False
    await scene.settles()
    scene.pulls = True
    scene.observe(Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False))
    await scene.settles()
    assert scene.rejected == ["new"]
    assert scene.tag.status.desired_model is not None
    assert scene.tag.status.desired_model.name == "old"
    assert scene.condition("Verified").status == "False"

    scene.observe()
    await scene.settles()

    assert scene.model_server.writes == ["live on new", "live on old"]


async def test_a_freeze_does_not_hold_a_rollback() -> None:
    scene = LiveScene()
    scene.answers["new"] = BAD
    while not scene.rejected:
        await scene.reconcile()
    scene.state.lister.servers.put(server(version=2, freeze={"reason": "holidays"}))

    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert scene.tagged == ("False", "ModelRejected")


@pytest.mark.parametrize(("on_failure", "model"), [("Hold", "new"), ("Rollback", "old")])
async def test_a_rejected_model_is_not_verified_again_while_a_freeze_holds_the_next_one(
    on_failure: str, model: str
) -> None:
    scene = LiveScene(on_failure=on_failure)
    scene.answers["new"] = BAD
    while not scene.rejected:
        await scene.reconcile()
    scene.state.lister.servers.put(server(version=2, freeze={"reason": "holidays"}))
    scene.spec["model"] = "other"
    scene.wants()
    heard = list(scene.bots.heard)

    await scene.settles()

    assert (scene.model_server.tags, scene.bots.heard) == ({"live": model}, heard)
    assert scene.condition("Promoted").reason == "Frozen"


async def test_a_freeze_holds_a_model_that_failed_before() -> None:
    scene = await rejected_live()
    scene.spec["model"] = "old"
    scene.wants()
    await scene.settles()
    scene.state.lister.servers.put(server(version=2, freeze={"reason": "holidays"}))
    scene.spec["model"] = "new"
    scene.wants()

    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert scene.condition("Promoted").reason == "Frozen"
