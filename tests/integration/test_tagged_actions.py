"""A promotion with the image of an action server: first the actions change, and then the model."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import MODELS, Front
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_action_server import NAME, NOWHERE, image
from tests.integration.test_model_tags import TAG, wait_until_tagged

OWN, FIRST, SECOND = (f"registry.example.com/actions:{name}" for name in ("own", "1", "2"))


def promotion(model: str, actions: str | None) -> JsonObject:
    """A ModelTag with a model and its actions."""
    named: JsonObject = {"actionServer": {"image": actions}} if actions else {}
    return model_tag(model=model, **named)


def desired(space: Space) -> str:
    """The image of the action server's Deployment."""
    containers = space.get("Deployment", NAME)["spec"]["template"]["spec"]["containers"]
    return next(str(each["image"]) for each in containers if each["name"] == "actions")


@pytest.fixture
def promoted(tag_space: Space) -> Space:
    """A namespace where production serves model A with its actions."""
    tag_space.apply(promotion(MODEL_A, FIRST), environment(actionServer={"image": OWN}))
    wait_until_tagged(tag_space, MODEL_A)
    tag_space.eventually(lambda: image(tag_space) == FIRST, "the actions of model A to run")
    return tag_space


def test_the_actions_are_ready_before_the_tag_moves_and_go_back_with_a_rollback(promoted: Space, front: Front) -> None:
    put_b = f"{MODELS}/{MODEL_B}/tags/production"
    promoted.apply(environment(actionServer={"image": OWN, "podTemplate": NOWHERE}))
    promoted.wait_for_condition(ENVIRONMENT, "production", "ActionServerAvailable", status="False")

    promoted.apply(promotion(MODEL_B, SECOND))

    waiting = promoted.wait_for_condition(TAG, "production", "Tagged", status="False", reason="ActionServerNotReady")
    assert f"environment {promoted.namespace}/production is available with image {SECOND}" in waiting["message"]
    promoted.eventually(lambda: desired(promoted) == SECOND, "the new actions to be rolled out")
    promoted.wait_for_condition(TAG, "production", "Reconciling", status="True", reason="ActionServerNotReady")
    assert front.count("PUT", put_b) == 0
    assert front.behind.tags() == {"production": MODEL_A}

    promoted.apply(environment(actionServer={"image": OWN}))

    status = wait_until_tagged(promoted, MODEL_B)
    assert image(promoted) == SECOND
    assert [(entry["model"], entry["actionServerImage"]) for entry in status["history"]] == [
        (MODEL_B, SECOND),
        (MODEL_A, FIRST),
    ]
    promoted.apply(promotion(MODEL_A, FIRST))
    wait_until_tagged(promoted, MODEL_A)
    assert image(promoted) == FIRST


def test_a_suspended_environment_does_not_hold_the_tag_back(promoted: Space) -> None:
    promoted.apply(environment(actionServer={"image": OWN, "podTemplate": NOWHERE}))
    promoted.apply(promotion(MODEL_B, SECOND))
    promoted.wait_for_condition(TAG, "production", "Tagged", status="False", reason="ActionServerNotReady")

    promoted.patch(ENVIRONMENT, "production", {"spec": {"suspend": True}})

    wait_until_tagged(promoted, MODEL_B)


def test_a_model_tag_that_names_no_image_any_more_or_is_gone_gives_the_environment_its_own_back(
    promoted: Space,
) -> None:
    promoted.apply(promotion(MODEL_A, None))
    promoted.eventually(lambda: image(promoted) == OWN, "the environment's own actions to run")

    promoted.apply(promotion(MODEL_A, SECOND))
    promoted.eventually(lambda: image(promoted) == SECOND, "the actions of the tag to run")
    promoted.delete(TAG, "production")
    promoted.eventually(lambda: image(promoted) == OWN, "the environment's own actions to run again")


def test_a_model_tag_in_another_namespace_brings_no_code_here(
    tag_space: Space, another_space: Space, front: Front
) -> None:
    furnish(tag_space, front, accessFrom={"namespaces": [another_space.namespace]})
    there = {"modelServerRef": {"name": "default", "namespace": tag_space.namespace}}
    tag = promotion(MODEL_A, FIRST)
    tag_space.apply(environment(actionServer={"image": OWN}))
    another_space.apply({**tag, "spec": {**tag["spec"], **there}})

    wait_until_tagged(another_space, MODEL_A)
    tag_space.wait_until_ready()

    assert image(tag_space) == OWN
    assert desired(tag_space) == OWN
