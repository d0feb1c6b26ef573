"""The verification of a model before it gets the tag: when candidates run, what is said to them, and what follows."""

from __future__ import annotations

from base64 import b64decode

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTagStatus
from rasa_environments.controller.queue import DONE
from rasa_environments.domain.facts import Problem
from rasa_environments.rasa.replies import Reaction
from tests.reconcile.objects import tag
from tests.reconcile.verification_scene import BAD, GOOD, KEY, OPENING_HOURS, Scene

LIVE = ObjectKey("bots", "live")


async def test_a_model_that_answers_as_expected_gets_the_tag() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate()

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert scene.results == ["Succeeded"]
    assert [(case.name, case.step) for case in scene.cases] == [("opening hours", None), ("greeting", None)]
    assert scene.tagged == ("True", "Tagged")
    assert scene.condition("Verified").status == "True"
    assert "VerificationSucceeded" in scene.events.reasons
    assert scene.candidate() is None


async def test_a_model_that_answers_otherwise_never_gets_the_tag() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()

    await scene.settles()

    assert scene.model_server.writes == []
    assert scene.results == ["Failed"]
    assert scene.tagged == ("False", "ModelRejected")
    assert scene.condition("Stalled").status == "True"
    assert scene.condition("Verified").reason == "VerificationFailed"
    message = scene.condition("Tagged").message
    for part in ("environment bots/live", "'opening hours'", "step 2", "bot: We open at 9.", "We never open."):
        assert part in message
    [rejected] = scene.tag.status.rejected or []
    assert (rejected.name, rejected.hash, rejected.reason) == ("new", "1" * 32, "VerificationFailed")
    assert "ModelRejected" in scene.events.reasons
    assert (scene.state.promotions.results["rejected"], scene.state.promotions.results["failed"]) == (1, 0)
    assert scene.candidate() is None


async def test_the_status_says_that_a_model_is_verified_before_anything_is_created() -> None:
    scene = Scene()

    result = await scene.tags.reconcile(KEY)

    assert result.requeue_after == 0.0
    assert scene.candidate() is None
    assert scene.tag.status.candidate_model is not None
    assert scene.tag.status.candidate_model.name == "new"
    assert scene.results == [None]
    assert scene.tagged == ("False", "Verifying")
    assert scene.is_enqueued()


async def test_the_tag_moves_only_after_the_result_is_in_the_status() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.tags.reconcile(KEY)

    result = await scene.tags.reconcile(KEY)

    assert (result.requeue_after, scene.results, scene.model_server.writes) == (0.0, ["Succeeded"], [])


async def test_every_conversation_has_a_sender_of_its_own() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate()

    await scene.settles()

    assert [(url, message) for url, _, message in scene.bots.heard] == [
        ("http://10.0.0.1:5005", "when are you open?"),
        ("http://10.0.0.1:5005", "hello"),
    ]
    senders = {sender for _, sender, _ in scene.bots.heard}
    assert len(senders) == 2
    assert all(sender.startswith("verification-") for sender in senders)


async def test_at_rest_nothing_is_asked_and_nothing_written() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    requests, heard = list(scene.api.requests), list(scene.bots.heard)

    assert await scene.reconcile() == DONE

    assert (scene.api.requests, scene.bots.heard) == (requests, heard)


async def test_a_first_model_is_verified_while_no_model_has_the_tag() -> None:
    scene = Scene()
    scene.model_server.tags.clear()
    scene.wants(observedGeneration=1)
    scene.observe()

    await scene.settles()

    assert scene.tagged == ("False", "Verifying")
    assert scene.tag.status.desired_model is None
    assert scene.tag.status.candidate_model is not None
    scene.has_ready_candidate()
    await scene.settles()
    assert scene.model_server.writes == ["live on new"]


async def test_the_desired_model_is_the_last_one_until_the_next_has_passed() -> None:
    scene = Scene()
    await scene.settles()
    assert scene.tag.status.desired_model is not None
    assert scene.tag.status.desired_model.name == "old"
    scene.has_ready_candidate()

    await scene.settles()

    assert scene.tag.status.desired_model.name == "new"
    assert scene.tag.status.candidate_model is None
    assert scene.tag.status.previous_model is not None
    assert scene.tag.status.previous_model.name == "old"


async def test_a_model_of_another_tag_is_verified_once_it_is_let_through() -> None:
    scene = Scene(model=None, promoteFrom={"tag": "staging"})
    served = {"name": "new", "hash": "1" * 32, "servedTime": "2025-01-01T00:00:00Z"}
    staging = {"taggedModel": {"name": "new", "hash": "1" * 32}, "servedModel": served}
    source = tag("staging", model="new")
    status = ModelTagStatus.model_validate(staging)
    scene.state.lister.tags.put(source.model_copy(update={"status": status}))

    await scene.settles()

    assert scene.condition("Promoted").reason == "Verifying"
    statuses = len(scene.api.statuses)
    await scene.settles()
    assert len(scene.api.statuses) == statuses
    scene.has_ready_candidate()
    await scene.settles()
    assert scene.model_server.writes == ["live on new"]
    assert scene.condition("Promoted").status == "True"


async def test_a_rejected_model_stays_rejected_in_a_new_process() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    heard = list(scene.bots.heard)
    scene.bots.answer = GOOD

    scene.start()
    await scene.settles()

    assert scene.bots.heard == heard
    assert scene.tagged == ("False", "ModelRejected")


async def test_a_retry_verifies_a_rejected_model_once_more() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    scene.bots.answer = GOOD

    scene.wants(retry="today")
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert scene.tag.status.last_handled_retry_at == "today"
    assert scene.tag.status.rejected is None


async def test_a_rejection_ends_with_another_model_in_the_spec() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    scene.spec["model"] = "old"
    scene.wants()
    await scene.settles()
    assert (scene.tagged, scene.tag.status.rejected) == (("True", "Tagged"), None)

    scene.spec["model"] = "new"
    scene.wants()
    await scene.settles()

    assert scene.tagged == ("False", "Verifying")


async def test_other_content_under_the_name_of_a_rejected_model_is_verified() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()
    scene.model_server.hashes["new"] = "3" * 32
    scene.observe()

    await scene.settles()

    assert scene.tagged == ("False", "Verifying")


async def test_a_model_that_had_the_tag_gets_it_back_at_once() -> None:
    scene = Scene()
    scene.wants(
        taggedModel={"name": "old", "hash": "0" * 32},
        history=[
            {"model": "old", "hash": "0" * 32, "taggedTime": "2026-01-01T00:00:00Z"},
            {"model": "new", "hash": "1" * 32, "taggedTime": "2025-01-01T00:00:00Z"},
        ],
    )

    await scene.reconcile()

    assert scene.model_server.writes == ["live on new"]
    assert scene.bots.heard == []


async def test_a_tag_that_somebody_moves_to_the_waiting_model_is_put_back() -> None:
    scene = Scene()
    await scene.settles()
    scene.model_server.tags["live"] = "new"
    scene.observe()

    await scene.settles()

    assert scene.model_server.writes == ["live on old"]
    assert scene.tagged == ("False", "Verifying")


async def test_a_new_process_holds_the_conversations_again_and_moves_the_tag_without_if_they_were_recorded() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.tags.reconcile(KEY)
    scene.start()
    await scene.tags.reconcile(KEY)
    await scene.tags.reconcile(KEY)
    assert (len(scene.bots.heard), scene.results) == (3, ["Succeeded"])

    scene.start()
    await scene.settles()

    assert (len(scene.bots.heard), scene.model_server.writes) == (3, ["live on new"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "ConfigMap bots/conversations not found: create it with key tests.yaml"),
        ("rules: []", "conversations/tests.yaml: has no test_cases"),
    ],
)
async def test_without_usable_conversations_the_tag_stays_and_nothing_is_created(
    content: str | None, problem: str
) -> None:
    scene = Scene()
    scene.has_conversations(content)

    result = await scene.reconcile()

    assert scene.tagged == ("False", "ConversationsInvalid")
    assert problem in scene.condition("Tagged").message
    assert (scene.candidate(), scene.model_server.writes) == (None, [])
    assert result.requeue_after == 30.0
    scene.has_conversations(OPENING_HOURS)
    await scene.settles()
    assert scene.tagged == ("False", "Verifying")


async def test_conversations_that_change_are_read_for_the_next_verification() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_conversations("nonsense")
    scene.has_ready_candidate()
    await scene.settles()
    assert scene.results == ["Succeeded"]


async def test_a_verification_starts_anew_once_the_model_server_is_back() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.observe(Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False))
    await scene.reconcile()
    assert scene.candidate() is None
    scene.passes(3600)

    scene.observe()
    await scene.settles()

    assert scene.tagged == ("False", "Verifying")


async def test_no_value_of_the_environments_secret_is_published_whatever_the_bot_says() -> None:
    scene = Scene()
    await scene.reconcile()
    secret = scene.children.objects["Secret", ObjectKey("bots", "live-rasa")]
    values = {key: b64decode(value).decode() for key, value in secret["data"].items()}
    scene.bots.answer = Reaction(tuple(f"{key}: {value}" for key, value in values.items()))
    scene.has_ready_candidate()

    await scene.settles()

    assert scene.tagged == ("False", "ModelRejected")
    assert len(values) > 1
    published = str(scene.tag.status)
    assert [key for key, value in values.items() if len(value) >= 6 and value in published] == []


async def test_a_model_whose_content_is_replaced_after_it_has_passed_is_verified_again() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.has_ready_candidate()
    while scene.results != ["Succeeded"]:
        await scene.tags.reconcile(KEY)
    scene.model_server.hashes["new"] = "9" * 32

    await scene.reconcile()

    assert (scene.tagged, scene.model_server.writes) == (("False", "HashMismatch"), [])
    scene.observe()
    await scene.settles()
    assert scene.tagged == ("False", "Verifying")
    assert scene.model_server.writes == []


async def test_a_retry_whose_value_no_status_could_repeat_is_acted_on() -> None:
    scene = Scene()
    scene.bots.answer = BAD
    await scene.reconcile()
    scene.has_ready_candidate()
    await scene.settles()

    scene.wants(retry="x" * 10_000)
    await scene.settles()

    assert scene.tagged == ("False", "Verifying")
    assert scene.tag.status.last_handled_retry_at == "x" * 4096
