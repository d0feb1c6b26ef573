"""One reconciliation of an environment: which Rasa servers are asked, registered and rolled out for another model."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.rasa.errors import UnauthorizedError, UnreachableError
from rasa_environments.rasa.peers import Peer
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.registration.registrar import REGISTRATION_DELAY_SECONDS
from tests.reconcile.environment_scene import (
    KEY,
    MODEL,
    NEXT,
    PASSWORDS,
    SERVER,
    TAG,
    VALUE,
    Scene,
)
from tests.reconcile.objects import rasa_error, tag


async def test_pods_are_asked_once_they_are_ready() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.starts_pod(ready=False)
    await scene.reconcile()
    assert scene.rasa.asked == []

    scene.starts_pod()
    result = await scene.reconcile()

    assert scene.rasa.asked == [("http://10.0.0.1:5005", scene.token)]
    assert result.requeue_after == Intervals().served
    assert scene.condition("Ready") == ("True", "Ready")
    assert scene.condition("ModelServed") == ("True", "Served")


async def test_a_pod_with_another_model_is_asked_again_soon() -> None:
    scene = Scene()
    scene.rasa.model = NEXT.name
    await scene.reconcile()
    scene.starts_pod()

    result = await scene.reconcile()

    assert result.requeue_after == Intervals().first_served
    assert scene.condition("ModelServed")[0] == "False"


async def test_a_pod_without_a_model_holds_ready_back() -> None:
    scene = Scene()
    scene.rasa.model = None
    await scene.reconcile()
    scene.starts_pod()

    await scene.reconcile()

    for kind in ("ModelServed", "Ready"):
        assert scene.condition(kind) == ("False", "NoModelServed")


async def test_a_pod_that_refuses_the_token_leaves_it_unknown() -> None:
    scene = Scene()
    scene.rasa.fault = rasa_error(UnauthorizedError, Peer.RASA_SERVER)
    await scene.reconcile()
    scene.starts_pod()

    await scene.reconcile()

    assert scene.condition("ModelServed") == ("Unknown", "Unauthorized")
    assert "it started with another token than its Secret holds now; restart the pod" in scene.message("ModelServed")


async def test_a_moved_tag_rolls_out_pods_only_with_a_rolling_update() -> None:
    for strategy, changes in (("InPlace", False), ("RollingUpdate", True)):
        scene = Scene(model={"updateStrategy": strategy})
        await scene.reconcile()
        before = scene.children.last("Deployment")
        scene.observe(NEXT)

        await scene.reconcile()

        assert (scene.children.last("Deployment") != before) is changes, strategy
        desired = scene.environment.status.desired_model
        assert desired is not None
        assert desired.name == NEXT.name


async def test_while_the_desired_model_is_unknown_pods_keep_the_one_that_they_were_rolled_out_for() -> None:
    scene = Scene(model={"updateStrategy": "RollingUpdate"})
    await scene.reconcile()
    before = scene.children.last("Deployment")
    scene.observe(None)

    await scene.reconcile()

    assert scene.children.last("Deployment") == before


async def test_while_the_model_server_is_away_nothing_rolls_whatever_else_changes() -> None:
    scene = Scene(model={"updateStrategy": "RollingUpdate"})
    await scene.reconcile()
    before = scene.children.last("Deployment")
    scene.loses_model_server()
    scene.changes(model={"updateStrategy": "RollingUpdate"}, replicas=2)

    await scene.reconcile()

    after = scene.children.last("Deployment")
    assert after["spec"]["replicas"] == 2
    assert after["spec"]["template"] == before["spec"]["template"]
    assert scene.condition("ModelAvailable") == ("Unknown", "ModelServerUnreachable")


REGISTERS: JsonObject = {"profile": "RasaEnterprise-1.0"}


async def test_a_registration_is_requested_and_counts_as_in_use_once_pods_are_available() -> None:
    scene = Scene(model_server=REGISTERS)
    await scene.reconcile()
    (first,) = scene.state.registrations.desired([KEY])

    scene.starts_pod()
    await scene.reconcile()
    (second,) = scene.state.registrations.desired([KEY])

    assert (first.token, first.in_use) == (scene.token, False)
    assert (second.token, second.in_use) == (scene.token, True)
    assert scene.queue.later == {Request(Kind.MODEL_SERVER, SERVER): REGISTRATION_DELAY_SECONDS}


async def test_without_a_registry_no_registration_is_requested() -> None:
    scene = Scene(model_server={"registration": "None"})

    await scene.reconcile()

    assert scene.state.registrations.desired([KEY]) == ()
    assert scene.queue.later == {}


async def test_the_model_tag_is_notified_once_the_environment_is_up() -> None:
    scene = Scene()
    scene.state.lister.tags.put(tag("tag", tag="support", model=MODEL.name))
    await scene.reconcile()
    assert TAG not in scene.queue.added, "it is starting"

    scene.starts_pod()
    await scene.reconcile()

    assert TAG in scene.queue.added


EXTERNAL: JsonObject = {
    "external": {
        "url": "http://rasa.elsewhere:5005",
        "authToken": VALUE,
    }
}


async def test_an_external_server_is_asked_and_nothing_is_created() -> None:
    scene = Scene(model_server=REGISTERS, **EXTERNAL)
    scene.secrets.contents[PASSWORDS] = {"k": b"their-token"}

    result = await scene.reconcile()

    assert scene.children.applied == []
    assert scene.rasa.asked == [("http://rasa.elsewhere:5005", "their-token")]
    assert result.requeue_after == Intervals().served
    (registration,) = scene.state.registrations.desired([KEY])
    assert (registration.url, registration.in_use) == ("http://rasa.elsewhere:5005", True)


async def test_an_external_server_without_its_token_is_not_asked() -> None:
    scene = Scene(**EXTERNAL)

    await scene.reconcile()

    assert scene.rasa.asked == []
    assert scene.condition("Ready") == ("False", "SecretNotFound")
    assert scene.message("Ready") == "spec.external.authToken: Secret bots/passwords not found: create it with key k"


async def test_an_external_server_with_another_model_is_not_ready_until_it_has_pulled() -> None:
    scene = Scene(**EXTERNAL)
    scene.secrets.contents[PASSWORDS] = {"k": b"their-token"}
    scene.rasa.model = NEXT.name

    result = await scene.reconcile()

    assert scene.condition("Ready") == ("False", "AnotherModelServed")
    assert result.requeue_after == Intervals().first_served


async def test_an_external_server_that_does_not_answer_is_asked_again() -> None:
    scene = Scene(**EXTERNAL)
    scene.secrets.contents[PASSWORDS] = {"k": b"their-token"}
    scene.rasa.fault = rasa_error(UnreachableError, Peer.EXTERNAL_RASA_SERVER)

    result = await scene.reconcile()

    assert scene.condition("Ready") == ("False", "ExternalServerUnreachable")
    assert result.requeue_after == Intervals().first_served
