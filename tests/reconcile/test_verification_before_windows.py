"""A model that the ModelServer holds is verified meanwhile: it moves as soon as the window opens, however short."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.controller.queue import Result
from tests.reconcile.verification_scene import BAD, Scene

MINUTE_AT_ONE: JsonObject = {"name": "one", "type": "Allow", "schedule": "0 13 * * *", "durationSeconds": 60}
"""Shorter than any verification; it is noon."""
FREEZE: JsonObject = {"reason": "audit", "endTime": "2026-01-01T13:00:00Z"}
HOUR = 3600.0


def held(**server_spec: object) -> Scene:
    """A promotion that the ModelServer holds."""
    scene = Scene()
    scene.holds(**server_spec)
    return scene


async def verify(scene: Scene) -> Result:
    """Let the candidate start, and hold all conversations."""
    await scene.settles()
    scene.has_ready_candidate()
    for _ in range(20):
        result = await scene.reconcile()
        if result.requeue_after != 0.0:
            return result
    raise AssertionError("it does not come to rest")


@pytest.mark.parametrize("spec", [{"promotionWindows": [MINUTE_AT_ONE]}, {"freeze": FREEZE}], ids=["window", "freeze"])
async def test_a_model_is_verified_while_it_is_held_and_stays_where_it_is(spec: JsonObject) -> None:
    scene = held(**spec)

    result = await verify(scene)

    assert (scene.results, scene.model_server.writes) == (["Succeeded"], [])
    assert result.requeue_after == HOUR
    assert scene.tagged == ("True", "Tagged")
    assert scene.condition("Promoted").reason == ("Frozen" if "freeze" in spec else "OutsideWindow")
    assert scene.candidate() is None


async def test_a_verified_model_moves_once_the_window_is_open_without_another_run() -> None:
    scene = held(promotionWindows=[MINUTE_AT_ONE])
    await verify(scene)
    heard = len(scene.bots.heard)
    scene.passes(HOUR)

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert (len(scene.bots.heard), scene.candidate()) == (heard, None)


async def test_a_verification_goes_on_when_its_window_closes_and_the_next_one_lets_the_model_through() -> None:
    scene = held(promotionWindows=[MINUTE_AT_ONE])
    scene.passes(HOUR)
    await scene.settles()
    assert scene.candidate() is not None
    scene.passes(120)

    await verify(scene)

    assert (scene.results, scene.model_server.writes) == (["Succeeded"], [])
    scene.passes(24 * HOUR - 100)
    await scene.settles()
    assert scene.model_server.writes == ["live on new"]


async def test_a_model_that_fails_while_it_is_held_is_rejected_before_the_window_opens() -> None:
    scene = held(promotionWindows=[MINUTE_AT_ONE])
    scene.bots.answer = BAD

    await verify(scene)

    assert scene.tagged == ("False", "ModelRejected")
    scene.passes(HOUR)
    await scene.settles()
    assert scene.model_server.writes == []


async def test_other_conversations_than_those_passed_are_held_before_the_model_moves() -> None:
    scene = held(promotionWindows=[MINUTE_AT_ONE])
    await verify(scene)
    scene.has_conversations("test_cases: [{test_case: hours, steps: [{user: when?}, {bot: We open at 10.}]}]")
    scene.passes(HOUR)

    await verify(scene)

    assert (scene.tagged, scene.model_server.writes) == (("False", "ModelRejected"), [])


async def test_a_held_model_without_conversations_is_not_let_through() -> None:
    scene = held(promotionWindows=[MINUTE_AT_ONE])
    scene.has_conversations(None)

    await scene.reconcile()

    assert (scene.tagged, scene.model_server.writes) == (("False", "ConversationsInvalid"), [])


async def test_a_followed_model_is_verified_while_it_is_held() -> None:
    scene = held(promotionWindows=[MINUTE_AT_ONE])
    scene.spec = {**scene.spec, "model": None, "follow": {"namePattern": "other", "newestBy": "Name"}}
    scene.wants()

    await verify(scene)

    assert (scene.results, scene.model_server.writes) == (["Succeeded"], [])
    scene.passes(HOUR)
    await scene.settles()
    assert scene.model_server.writes == ["live on other"]
