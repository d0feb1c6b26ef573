"""A promotion and the pods: RollingUpdate starts new ones with the new model, InPlace lets them pull it."""

from __future__ import annotations

import yaml

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG, wait_until_tagged

HASH_ANNOTATION = "rasa-environments.io/model-hash"
ROLLING = {"updateStrategy": "RollingUpdate"}


def template(space: Space) -> JsonObject:
    found: JsonObject = space.child("Deployment")["spec"]["template"]
    return found


def models_endpoint(space: Space) -> JsonObject:
    endpoints: JsonObject = yaml.safe_load(space.child("ConfigMap")["data"]["endpoints.yml"])
    models: JsonObject = endpoints["models"]
    return models


def rolled_for(space: Space) -> object:
    return (template(space)["metadata"].get("annotations") or {}).get(HASH_ANNOTATION)


def start(space: Space, **model: object) -> None:
    """An environment whose tag is on model A."""
    space.apply(model_tag(model=MODEL_A), environment(model=model))
    space.wait_until_ready()


def test_a_promotion_rolls_the_pods(tag_space: Space, front: Front) -> None:
    start(tag_space, **ROLLING)
    assert rolled_for(tag_space) == front.behind.hash_of(MODEL_A)
    before = template(tag_space)
    pods = {pod["metadata"]["uid"] for pod in tag_space.list("Pod")}

    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})

    tag_space.eventually(lambda: rolled_for(tag_space) == front.behind.hash_of(MODEL_B), "the template to name model B")
    after = template(tag_space)
    assert after["spec"] == before["spec"]
    tag_space.eventually(lambda: not pods & {pod["metadata"]["uid"] for pod in tag_space.list("Pod")}, "new pods")
    tag_space.wait_until_ready()
    assert tag_space.status(ENVIRONMENT, "production")["desiredModel"]["name"] == MODEL_B


def test_pods_that_are_rolled_pull_once_at_their_start(tag_space: Space) -> None:
    start(tag_space, **ROLLING)

    models = models_endpoint(tag_space)
    assert "wait_time_between_pulls" in models
    assert models["wait_time_between_pulls"] is None


def test_a_promotion_in_place_leaves_the_pods_alone(tag_space: Space) -> None:
    start(tag_space, updateStrategy="InPlace", pullPeriodSeconds=7)
    before = tag_space.child("Deployment")["metadata"]["generation"]
    assert models_endpoint(tag_space)["wait_time_between_pulls"] == 7
    assert rolled_for(tag_space) is None

    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})

    tag_space.eventually(
        lambda: tag_space.status(ENVIRONMENT, "production")["desiredModel"]["name"] == MODEL_B, "model B to be wanted"
    )
    tag_space.wait_until_ready()
    assert tag_space.child("Deployment")["metadata"]["generation"] == before


def test_an_operator_that_starts_while_the_model_server_is_down_rolls_nothing(
    mortal_space: Space, front: Front, mortal: OperatorProcess
) -> None:
    furnish(mortal_space, front)
    mortal.start()
    start(mortal_space, **ROLLING)
    wait_until_tagged(mortal_space, MODEL_A)
    before = mortal_space.child("Deployment")["metadata"]["generation"]
    assert mortal.stop() == 0
    front.down()
    mortal_space.patch("ModelServer", "default", {"spec": {"defaults": {"replicas": 1}}})

    mortal.start()

    mortal_space.wait_for_condition(
        ENVIRONMENT, "production", "ModelAvailable", status="Unknown", reason="ModelServerUnreachable"
    )
    mortal_space.wait_for_condition("ModelServer", "default", "Ready", status="False")
    assert mortal_space.child("Deployment")["metadata"]["generation"] == before
    assert mortal_space.status(ENVIRONMENT, "production")["desiredModel"]["name"] == MODEL_A
