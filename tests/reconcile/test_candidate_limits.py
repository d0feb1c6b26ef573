"""The number of candidates is limited, and no namespace can take what the next one needs."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.domain.candidates import share
from rasa_environments.domain.verification import verifying_model
from tests.reconcile.objects import environment, server, tag
from tests.reconcile.verification_scene import CHECK, KEY, Scene


def verifying(name: str, *, namespace: str = "bots") -> ModelTag:
    """A ModelTag for whose model candidates run."""
    record = {"name": "new", "hash": "1", "stage": "Candidate", "conversationsDigest": "d"}
    status = {"verifications": [{**record, "startTime": "2026-01-01T12:00:00Z"}]}
    found = tag(name, namespace=namespace, model="new", verification={"candidate": CHECK})
    return found.model_copy(update={"status": ModelTagStatus.model_validate(status)})


def busy(scene: Scene, count: int, *, namespace: str) -> None:
    """Let candidates of as many tags run."""
    scene.state.lister.servers.put(server(namespace=namespace))
    for index in range(count):
        scene.state.lister.tags.put(verifying(f"busy-{index}", namespace=namespace))
        scene.state.lister.environments.put(environment(f"busy-{index}", namespace=namespace))


@pytest.mark.parametrize(("limit", "others", "expected"), [(10, 0, 5), (10, 5, 3), (10, 8, 1), (10, 10, 0), (1, 0, 1)])
def test_a_namespace_has_half_of_what_others_leave(limit: int, others: int, expected: int) -> None:
    assert share(limit, others) == expected


@pytest.mark.parametrize("limit", range(1, 12))
def test_all_candidates_can_be_used_and_never_more(limit: int) -> None:
    used = 0
    for _ in range(limit):
        used += share(limit, used)

    assert used == limit


async def test_what_one_namespace_verifies_leaves_room_for_another() -> None:
    scene = Scene()
    busy(scene, 5, namespace="crowd")

    await scene.settles()

    assert scene.tagged == ("False", "Verifying")


async def test_a_namespace_with_its_share_waits_without_reading_conversations() -> None:
    scene = Scene()
    busy(scene, 5, namespace="bots")

    result = await scene.tags.reconcile(KEY)

    assert scene.tagged == ("False", "NoCandidate")
    assert "namespace bots has 5 of the 5 candidates that it may have now" in scene.condition("Tagged").message
    assert result.requeue_after == 30.0
    assert [each for each in scene.api.requests if "ConfigMap" in str(each)] == []


async def test_after_a_restart_a_verification_goes_on_whatever_others_have_begun() -> None:
    scene = Scene()
    await scene.settles()
    busy(scene, 9, namespace="crowd")
    scene.start()

    await scene.settles()

    assert scene.tagged == ("False", "Verifying")
    assert verifying_model(scene.tag.status) == ModelReference(name="new", hash="1" * 32)


async def test_two_tags_that_start_at_once_count_each_other() -> None:
    scene = Scene(limit=2)
    other = ObjectKey("bots", "other")
    scene.state.lister.tags.put(tag("other", model="new", verification={"candidate": CHECK}))
    scene.state.lister.environments.put(environment("other", uid="uid-other"))
    unwritten = scene.tag

    await scene.tags.reconcile(KEY)
    scene.state.lister.tags.put(unwritten)  # as if the status of the first were on its way still
    await scene.tags.reconcile(other)

    found = scene.state.lister.tags.get(other)
    assert found is not None
    assert verifying_model(found.status) is None


async def test_unusable_conversations_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.has_conversations("test_cases: []")
    await scene.reconcile()

    def never(_: object) -> object:
        raise AssertionError("parsed again")

    monkeypatch.setattr("rasa_environments.reconcile.verification.files.parse_all", never)
    await scene.reconcile()

    assert scene.tagged == ("False", "ConversationsInvalid")
