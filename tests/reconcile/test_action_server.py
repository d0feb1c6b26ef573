"""The action server next to an environment, from one reconciliation to the next."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject, ObjectKey
from tests.reconcile.environment_scene import ACTION_SERVER, CHILD, Scene

WANTED: JsonObject = {"image": "actions:1"}
KINDS = {"ServiceAccount", "Service", "NetworkPolicy", "Deployment"}


def kinds(scene: Scene, key: ObjectKey) -> set[str]:
    """The kinds of the children of that name."""
    return {kind for kind, each in scene.children.objects if each == key}


def runs(scene: Scene, *, available: int = 1) -> None:
    """The pods of the action server are as many, and all of its Deployment's latest template."""
    scene.children.has_status("Deployment", ACTION_SERVER, replicas=1, updatedReplicas=1, availableReplicas=available)


def rolled_out(scene: Scene) -> Any:
    """The image that the status reports."""
    status = scene.environment.status.action_server
    return status and status.image


async def test_its_children_are_created_with_those_of_the_environment() -> None:
    scene = Scene(actionServer=WANTED)

    await scene.reconcile()

    assert kinds(scene, ACTION_SERVER) == KINDS
    assert scene.children.applied[-1]["metadata"]["name"] == CHILD.name


async def test_the_environment_is_ready_once_its_action_server_is_available() -> None:
    scene = Scene(actionServer=WANTED)
    await scene.reconcile()
    scene.starts_pod()
    await scene.reconcile()

    assert scene.condition("Ready") == ("False", "WaitingForPods")
    assert "Deployment bots/support-actions: 0 of 1 pods available" in scene.message("Ready")
    assert rolled_out(scene) is None

    runs(scene)
    await scene.reconcile()

    assert scene.condition("Ready") == ("True", "Ready")
    assert scene.condition("ActionServerAvailable") == ("True", "Available")
    assert rolled_out(scene) == "actions:1"


async def test_a_pod_of_the_action_server_is_asked_for_no_model() -> None:
    scene = Scene(actionServer=WANTED)
    await scene.reconcile()
    scene.starts_pod()
    labels = {"app.kubernetes.io/name": "rasa-actions", "app.kubernetes.io/instance": "support"}
    pod = {
        "metadata": {"name": "support-actions-1", "labels": labels},
        "status": {"podIP": "10.0.0.2", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    scene.state.pods.put(ObjectKey("bots", "support-actions-1"), pod)
    runs(scene)

    await scene.reconcile()

    assert {url for url, _ in scene.rasa.asked} == {"http://10.0.0.1:5005"}
    assert scene.condition("Ready") == ("True", "Ready")


async def test_another_image_is_reported_once_it_is_rolled_out() -> None:
    scene = Scene(actionServer=WANTED)
    await scene.reconcile()
    scene.starts_pod()
    runs(scene)
    await scene.reconcile()

    scene.changes(actionServer={"image": "actions:2"})
    runs(scene, available=0)
    await scene.reconcile()

    assert rolled_out(scene) == "actions:1"
    assert scene.condition("Ready") == ("False", "WaitingForPods")

    runs(scene)
    await scene.reconcile()

    assert rolled_out(scene) == "actions:2"


async def test_it_is_removed_once_no_rasa_server_is_left_that_calls_it() -> None:
    scene = Scene(actionServer=WANTED)
    await scene.reconcile()
    scene.starts_pod()
    runs(scene)
    await scene.reconcile()

    scene.changes()
    scene.starts_pod(ready=False)
    await scene.reconcile()

    assert kinds(scene, ACTION_SERVER) == KINDS

    scene.starts_pod()
    await scene.reconcile()

    assert kinds(scene, ACTION_SERVER) == set()
    assert "Deployment" in kinds(scene, CHILD)
    assert rolled_out(scene) is None
    assert "ActionServerAvailable" not in [each.type for each in scene.environment.status.conditions or ()]


async def test_at_rest_nothing_is_written() -> None:
    scene = Scene(actionServer=WANTED)
    for _ in range(2):
        await scene.reconcile()
        scene.starts_pod()
        runs(scene)
    await scene.reconcile()
    statuses, before = len(scene.api.statuses), dict(scene.children.objects)

    await scene.reconcile()

    assert len(scene.api.statuses) == statuses
    assert scene.children.objects == before


async def test_an_environment_that_is_suspended_keeps_its_action_server_as_it_is() -> None:
    scene = Scene(actionServer=WANTED)
    await scene.reconcile()
    applied = len(scene.children.applied)

    scene.changes(suspend=True)
    await scene.reconcile()

    assert len(scene.children.applied) == applied
    assert kinds(scene, ACTION_SERVER) == KINDS
