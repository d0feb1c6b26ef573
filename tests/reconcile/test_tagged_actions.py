"""A tag moves to its model once the actions that go with the model are available in every environment on the tag."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from tests.reconcile.objects import environment_body, server, tag
from tests.reconcile.test_model_tag import Scene

ACTIONS: JsonObject = {"rasa": {"version": "3.6.21"}, "actionServer": {"image": "actions:own"}}
NEW, OLD = "actions:new", "actions:old"


class Promotion(Scene):
    """A promotion to the model `new` with its actions, while one environment serves `old` with actions of its own."""

    def __init__(self, *, image: str | None = NEW) -> None:
        super().__init__(**({"actionServer": {"image": image}} if image else {}))
        self.runs(OLD)

    def runs(self, image: str | None, *, available: bool = True, **spec: Any) -> None:
        """The environment's status says that its action server runs this image."""
        body = environment_body("live", **{**ACTIONS, **spec})
        condition = {
            "type": "ActionServerAvailable",
            "status": str(available),
            "reason": "R",
            "message": "waiting for Deployment bots/live-actions: 0 of 1 pods available",
            "lastTransitionTime": "",
        }
        status = {"conditions": [condition], **({"actionServer": {"image": image}} if image else {})}
        self.state.lister.environments.put(DeploymentEnvironment.model_validate({**body, "status": status}))

    def names(self, model: str, image: str | None) -> None:
        """The spec is another one, and the status what it was."""
        spec: JsonObject = {"model": model, **({"actionServer": {"image": image}} if image else {})}
        changed = tag("live", version=self.tag.metadata.version + 1, **spec)
        self.state.lister.tags.put(changed.model_copy(update={"status": self.tag.status}))

    @property
    def message(self) -> str:
        """The message of the condition Tagged."""
        return next(each.message for each in self.tag.status.conditions or () if each.type == "Tagged")


async def test_the_tag_waits_until_the_new_actions_are_available() -> None:
    scene = Promotion()

    await scene.reconcile()

    assert scene.model_server.writes == []
    assert scene.tagged == ("False", "ActionServerNotReady")
    assert "environment bots/live is available with image actions:new" in scene.message

    scene.runs(NEW, available=False)
    await scene.reconcile()

    assert scene.model_server.writes == []

    scene.runs(NEW)
    await scene.reconcile()

    assert scene.model_server.writes == ["live on new"]
    assert scene.tagged == ("True", "Tagged")


async def test_a_tag_that_waits_asks_the_model_server_nothing_and_writes_its_status_once() -> None:
    scene = Promotion()

    for _ in range(3):
        result = await scene.reconcile()

    assert scene.model_server.requests == 0
    assert (result.failed, result.requeue_after) == (False, None)
    assert len(scene.api.statuses) == 1


async def test_an_action_server_that_never_becomes_available_holds_the_tag_back_and_says_why() -> None:
    scene = Promotion()
    scene.runs(OLD, available=False)

    await scene.reconcile()

    assert scene.model_server.writes == []
    assert scene.message.endswith("0 of 1 pods available")


async def test_without_an_image_the_tag_waits_for_nothing() -> None:
    scene = Promotion(image=None)

    await scene.reconcile()

    assert scene.model_server.writes == ["live on new"]


async def test_a_suspended_environment_is_not_waited_for() -> None:
    scene = Promotion()
    scene.runs(OLD, suspend=True)

    await scene.reconcile()

    assert scene.model_server.writes == ["live on new"]


async def test_a_rollback_waits_for_the_old_actions_likewise() -> None:
    scene = Promotion()
    scene.runs(NEW)
    await scene.reconcile()

    scene.names("old", OLD)
    await scene.reconcile()

    assert scene.model_server.writes == ["live on new"]
    assert scene.tagged == ("False", "ActionServerNotReady")

    scene.runs(OLD)
    await scene.reconcile()

    assert scene.model_server.writes == ["live on new", "live on old"]


async def test_a_tag_that_somebody_moved_is_put_back_even_while_the_actions_are_not_available() -> None:
    scene = Promotion()
    scene.runs(NEW)
    await scene.reconcile()
    scene.runs(NEW, available=False)
    scene.model_server.tags = {"live": "old"}
    scene.observe()

    await scene.reconcile()

    assert scene.model_server.writes == ["live on new"] * 2


async def test_the_history_knows_which_actions_went_with_which_model() -> None:
    scene = Promotion()
    scene.runs(NEW)
    await scene.reconcile()
    scene.names("old", OLD)
    await scene.reconcile()
    waiting = history(scene)
    scene.runs(OLD)
    await scene.reconcile()

    assert waiting == [("new", NEW)]
    assert history(scene) == [("old", OLD), ("new", NEW)]


async def test_actions_that_are_replaced_beside_the_same_model_are_the_ones_of_that_model() -> None:
    scene = Promotion()
    scene.runs(NEW)
    await scene.reconcile()

    scene.names("new", "actions:fixed")
    await scene.reconcile()

    assert history(scene) == [("new", "actions:fixed")]
    assert scene.tagged == ("True", "Tagged")


async def test_actions_of_a_model_that_a_freeze_holds_are_not_those_of_the_model_before() -> None:
    scene = Promotion()
    scene.runs(NEW)
    await scene.reconcile()
    scene.state.lister.servers.put(server(freeze={"reason": "holidays"}))
    scene.model_server.hashes["newer"] = "2" * 32
    scene.observe()

    scene.names("newer", "actions:newer")
    await scene.reconcile()

    assert history(scene) == [("new", NEW)]
    assert scene.model_server.writes == ["live on new"]


def history(scene: Scene) -> list[tuple[str, str | None]]:
    """The models in the history, with the actions that went with each."""
    return [(entry.model, entry.action_server_image) for entry in scene.tag.status.history or ()]


async def test_another_process_that_finds_the_tag_waiting_does_the_same() -> None:
    first, second = Promotion(), Promotion()
    await first.reconcile()
    second.state.lister.tags.put(first.tag)
    second.runs(NEW)

    await second.reconcile()

    assert second.model_server.writes == ["live on new"]
