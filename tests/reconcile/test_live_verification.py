"""The verification of a model after it got the tag: what is held with environments, and what follows."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_tag import ModelTagStatus
from rasa_environments.controller.queue import DONE
from rasa_environments.rasa.errors import ServerFailedError, UnreachableError
from rasa_environments.rasa.peers import Peer
from tests.reconcile.live_scene import BAD, GOOD, KEY, LiveScene, rejected_live
from tests.reconcile.objects import environment, rasa_error, tag
from tests.reconcile.verification_scene import OPENING_HOURS

LIVE = ObjectKey("bots", "live")


async def test_a_model_that_answers_as_expected_keeps_the_tag() -> None:
    scene = LiveScene()

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert scene.stages == [("new", "Live", "Succeeded")]
    assert [(case.environment, case.name) for case in scene.cases] == [
        ("bots/live", "opening hours"),
        ("bots/live", "greeting"),
    ]
    assert scene.condition("Verified").status == "True"
    assert scene.condition("Ready").status == "True"
    assert scene.events.reasons.count("VerificationSucceeded") == 1
    assert [(each.model, each.live_verification) for each in scene.tag.status.history or ()] == [
        ("new", "Succeeded"),
        ("old", None),
    ]


async def test_conversations_go_to_the_environments_own_server_and_are_deleted_afterwards() -> None:
    scene = LiveScene()

    await scene.settles()

    assert [(url, text) for url, _, text in scene.bots.heard] == [
        ("http://10.0.0.2:5005", "when are you open?"),
        ("http://10.0.0.2:5005", "hello"),
    ]
    senders = [sender for _, sender, _ in scene.bots.heard]
    assert len(set(senders)) == 2
    assert all(sender.startswith("verification-") for sender in senders)
    assert scene.bots.deleted == senders


async def test_a_conversation_that_cannot_be_deleted_says_nothing_about_the_model() -> None:
    scene = LiveScene()

    async def refuse(base_url: str, sender: str, *, token: str) -> None:
        raise rasa_error(ServerFailedError, Peer.RASA_SERVER)

    scene.bots.delete = refuse  # type: ignore[method-assign]
    scene.start()
    await scene.settles()

    assert scene.stages == [("new", "Live", "Succeeded")]


async def test_nothing_is_said_before_the_environment_serves_the_model() -> None:
    scene = LiveScene()
    scene.pulls = False

    await scene.settles()

    assert scene.model_server.writes == ["live on new"]
    assert (scene.bots.heard, scene.stages) == ([], [("new", "Live", None)])
    assert (scene.condition("Verified").status, scene.condition("Verified").reason) == ("Unknown", "Verifying")
    assert scene.tagged == ("True", "Tagged")
    scene.pulls = True
    await scene.settles()
    assert scene.stages == [("new", "Live", "Succeeded")]


async def test_the_status_says_that_a_model_will_be_verified_before_it_gets_the_tag() -> None:
    scene = LiveScene()

    await scene.tags.reconcile(KEY)

    patch = scene.api.statuses[0]["verifications"][0]
    assert (patch["name"], patch["stage"], patch.get("result")) == ("new", "Live", None)
    assert scene.api.requests.index("GET ConfigMap bots/conversations") == 0
    assert scene.model_server.writes == ["live on new"]


async def test_a_model_does_not_count_as_verified_from_the_moment_that_it_gets_the_tag() -> None:
    scene = LiveScene()
    seen = set[str]()

    while scene.stages[-1:] != [("new", "Live", "Succeeded")]:
        await scene.tags.reconcile(KEY)
        if scene.stages[-1:] == [("new", "Live", None)]:
            seen |= {scene.condition(kind).status for kind in ("Verified", "Ready")}
        await scene.reconcile()

    assert "True" not in seen
    assert scene.condition("Verified").status == "True"


async def test_the_first_answer_that_is_wrong_ends_the_verification() -> None:
    scene = await rejected_live()

    assert [text for _, _, text in scene.bots.heard] == ["when are you open?"]


async def test_at_rest_nothing_is_asked_and_nothing_written() -> None:
    for scene in (await rejected_live(), await rejected_live(on_failure="Hold"), LiveScene()):
        await scene.settles()
        before = list(scene.api.requests), list(scene.bots.heard), list(scene.model_server.writes)

        assert await scene.reconcile() == DONE

        assert (scene.api.requests, scene.bots.heard, scene.model_server.writes) == before


async def test_nothing_is_verified_twice() -> None:
    scene = LiveScene()
    await scene.settles()
    heard = list(scene.bots.heard)
    scene.start()
    await scene.settles()
    scene.spec["model"] = "old"
    scene.wants()
    await scene.settles()
    scene.spec["model"] = "new"
    scene.wants()
    await scene.settles()

    assert scene.bots.heard == heard
    assert scene.model_server.writes == ["live on new", "live on old", "live on new"]
    assert (scene.tag.status.history or [])[0].live_verification == "Succeeded"


async def test_a_retry_verifies_the_model_that_has_the_tag() -> None:
    scene = LiveScene()
    await scene.settles()
    scene.answers["new"] = BAD

    scene.wants(retry="today")
    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert scene.stages == [("new", "Live", "Failed")]


async def test_a_model_that_passes_with_a_candidate_is_verified_again_live() -> None:
    scene = LiveScene(candidate=True)
    scene.answers["old"] = GOOD
    scene.answers["new"] = BAD

    await scene.settles()

    assert scene.stages == [("new", "Live", "Failed"), ("new", "Candidate", "Succeeded")]
    assert scene.model_server.writes == ["live on new", "live on old"]
    assert scene.candidate() is None


async def test_a_server_that_does_not_answer_is_asked_again() -> None:
    scene = LiveScene()
    scene.bots.fault = rasa_error(ServerFailedError, Peer.RASA_SERVER)
    await scene.settles()
    assert (scene.model_server.tags, scene.stages) == ({"live": "new"}, [("new", "Live", None)])
    assert scene.condition("Verified").status == "Unknown"

    scene.bots.fault = None
    await scene.settles()

    assert scene.stages == [("new", "Live", "Succeeded")]


async def test_a_server_that_never_answers_rejects_the_model_after_the_time_limit() -> None:
    scene = LiveScene()
    scene.bots.fault = rasa_error(UnreachableError, Peer.RASA_SERVER)
    await scene.settles()
    scene.passes(301)

    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert scene.condition("Verified").reason == "VerificationTimedOut"
    message = scene.condition("Verified").message
    assert "within 300 s (spec.verification.live.timeoutSeconds)" in message
    assert "environment bots/live" in message


async def test_an_environment_that_never_serves_the_model_rejects_it_after_the_time_limit() -> None:
    scene = LiveScene()
    scene.pulls = False
    await scene.settles()
    assert (await scene.reconcile()).requeue_after == 10.0
    scene.passes(301)

    await scene.settles()

    assert scene.model_server.tags == {"live": "old"}
    assert "environment bots/live does not serve it" in scene.condition("Verified").message


async def test_the_time_counts_from_when_the_model_got_the_tag() -> None:
    scene = LiveScene()
    scene.pulls = False
    put = scene.model_server.put_tag

    async def slowly(model: str, tag: str) -> None:
        scene.passes(200)
        await put(model, tag)

    scene.model_server.put_tag = slowly  # type: ignore[method-assign]
    await scene.settles()
    scene.passes(200)
    await scene.settles()

    assert scene.stages == [("new", "Live", None)]


async def test_without_an_environment_nothing_is_verified_and_no_time_passes() -> None:
    scene = LiveScene()
    scene.pulls = False
    await scene.settles()
    scene.state.lister.environments.remove(LIVE)
    await scene.settles()
    scene.passes(3600)
    await scene.settles()
    assert scene.stages == [("new", "Live", None)]
    assert (scene.condition("Verified").status, scene.condition("Verified").reason) == ("Unknown", "NoEnvironment")

    scene.state.lister.environments.put(environment("live", tag="live", uid="another", version=9))
    scene.pulls = True
    await scene.settles()

    assert scene.stages == [("new", "Live", "Succeeded")]


async def test_an_environment_that_takes_the_place_of_another_midway_is_verified_from_the_start() -> None:
    scene = LiveScene()
    scene.state.lister.environments.put(environment("spare", tag="live", uid="uid-spare"))
    while not scene.bots.heard:
        await scene.reconcile()
    scene.bots.heard.clear()
    scene.state.lister.environments.remove(LIVE)

    await scene.settles()

    assert [text for _, _, text in scene.bots.heard] == ["when are you open?", "hello"]
    assert {case.environment for case in scene.cases} == {"bots/spare"}
    assert scene.stages == [("new", "Live", "Succeeded")]


async def test_without_usable_conversations_the_tag_does_not_move() -> None:
    scene = LiveScene()
    scene.has_conversations(None)

    result = await scene.reconcile()

    assert scene.tagged == ("False", "ConversationsInvalid")
    assert "spec.verification.live.conversations" in scene.condition("Tagged").message
    assert (scene.model_server.writes, result.requeue_after) == ([], 30.0)
    scene.has_conversations(OPENING_HOURS)
    await scene.settles()
    assert scene.stages == [("new", "Live", "Succeeded")]


async def test_another_model_in_the_spec_ends_the_verification_of_the_one_before() -> None:
    scene = LiveScene()
    scene.pulls = False
    await scene.settles()
    scene.spec["model"] = "other"
    scene.wants()
    scene.pulls = True

    await scene.settles()

    assert scene.model_server.writes == ["live on new", "live on other"]
    assert scene.stages == [("other", "Live", "Succeeded")]


async def test_a_model_is_verified_live_for_as_long_as_the_next_one_waits_for_its_candidate() -> None:
    scene = LiveScene(candidate=True)
    scene.pulls = False
    await scene.settles()
    scene.spec["model"] = "other"
    scene.wants()
    await scene.reconcile()
    scene.answers["new"] = BAD
    scene.pulls = True

    while not scene.rejected:
        await scene.reconcile()
    await scene.reconcile()

    assert scene.model_server.tags == {"live": "old"}
    assert ("new", "Live", "Failed") in scene.stages


async def test_another_tag_gets_only_a_model_that_passed_live() -> None:
    scene = LiveScene()
    production = tag("production", model=None, promoteFrom={"tag": "live"})
    scene.state.lister.tags.put(production)
    scene.pulls = False
    await scene.settles()
    key = ObjectKey("bots", "production")
    served = {"name": "new", "hash": "1" * 32, "servedTime": "2025-01-01T00:00:00Z"}
    status = ModelTagStatus.model_validate(
        {**scene.tag.status.model_dump(by_alias=True, exclude_none=True), "servedModel": served}
    )
    scene.state.lister.tags.put(scene.tag.model_copy(update={"status": status}))
    scene.state.answer_times.answered(LIVE)

    await scene.tags.reconcile(key)

    assert "production" not in scene.model_server.tags
    known = scene.state.lister.tags.get(key)
    assert known is not None
    promoted = next(each for each in known.status.conditions or () if each.type == "Promoted")
    assert "has not passed the live verification under tag live" in promoted.message
    scene.pulls = True
    await scene.settles()
    await scene.tags.reconcile(key)
    assert scene.model_server.tags["production"] == "new"


async def test_two_tags_are_verified_each_in_its_own_environment() -> None:
    scene = LiveScene()
    scene.answers["new"] = BAD
    other = tag("staging", model="new")
    scene.state.lister.tags.put(other)

    await scene.settles()
    await scene.tags.reconcile(ObjectKey("bots", "staging"))

    assert scene.model_server.tags == {"live": "old", "staging": "new"}
