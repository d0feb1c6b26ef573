"""The served model: reported if the pods report it, and never claimed otherwise."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.rasa_at_pod import pod_address, scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG, wait_until_tagged


def pod_names(space: Space) -> list[str]:
    return [str(pod["metadata"]["name"]) for pod in space.list("Pod")]


def pod_name(space: Space) -> str:
    return pod_names(space)[0]


def is_replaced(space: Space, pod: str) -> bool:
    """Whether another pod is there, and this one has gone: for a moment there may be both, or none."""
    names = pod_names(space)
    return len(names) == 1 and names != [pod]


def model_status(space: Space) -> JsonObject:
    """Return what the status reports about models."""
    fields = ("desiredModel", "servedModels", "servingReplicas", "nonServingPods", "readyReplicas")
    status = space.status(ENVIRONMENT, "production")
    return {field: status[field] for field in fields if field in status}


def model_a(front: Front) -> JsonObject:
    """Model A as a status names it."""
    return {"name": MODEL_A, "hash": front.behind.hash_of(MODEL_A)}


def start(space: Space) -> None:
    """An environment whose tag is on model A."""
    space.apply(model_tag(model=MODEL_A), environment())
    space.wait_until_ready()


def test_that_nobody_checks_what_a_simulated_pod_serves_is_reported_with_the_cause(
    tag_space: Space, front: Front
) -> None:
    start(tag_space)

    message = (
        f"{MODEL_A} is wanted; whether it is served is not checked (--accept-unchecked): pod {pod_name(tag_space)} "
        f"does not report its model: the Rasa server at http://{pod_address(tag_space)}:5005/status cannot be "
        "reached: it gives no HTTP answer; see the pod's log"
    )
    for condition in ("ModelServed", "Ready"):
        tag_space.wait_for_condition(
            ENVIRONMENT, "production", condition, status="True", reason="ServedUnchecked", message=message
        )
    tag_space.wait_for_condition(
        TAG,
        "production",
        "Served",
        status="True",
        reason="ServedUnchecked",
        message=f"{MODEL_A} is wanted by environment {tag_space.namespace}/production; whether it is served is not "
        "checked (--accept-unchecked)",
    )
    assert model_status(tag_space) == {
        "desiredModel": model_a(front),
        "nonServingPods": [{"name": pod_name(tag_space), "served": "Unknown"}],
        "readyReplicas": 1,
    }


def test_a_pod_that_serves_the_desired_model_makes_it_served(tag_space: Space, front: Front) -> None:
    start(tag_space)

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        tag_space.wait_for_condition(
            ENVIRONMENT,
            "production",
            "ModelServed",
            status="True",
            reason="Served",
            message=f"1 of 1 ready pods serve {MODEL_A}",
        )
        tag_space.wait_for_condition(
            TAG,
            "production",
            "Served",
            status="True",
            message=f"{MODEL_A} is served by environment {tag_space.namespace}/production",
        )
        assert model_status(tag_space) == {
            "desiredModel": model_a(front),
            "servedModels": [{"name": MODEL_A, "replicas": 1}],
            "servingReplicas": 1,
            "readyReplicas": 1,
        }


def test_a_pod_that_serves_another_model_holds_ready_back(tag_space: Space) -> None:
    start(tag_space)

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_B
        message = (
            f"pod {pod_name(tag_space)} serves {MODEL_B}, {MODEL_A} is wanted: it has not pulled it yet or could not "
            "load it (see its log)"
        )
        for condition in ("ModelServed", "Ready"):
            tag_space.wait_for_condition(
                ENVIRONMENT,
                "production",
                condition,
                status="False",
                reason="AnotherModelServed",
                message=message,
            )
        for condition in ("Served", "Ready"):
            tag_space.wait_for_condition(TAG, "production", condition, status="False", reason="AnotherModelServed")
        status = tag_space.status(ENVIRONMENT, "production")
        assert (status["servedModels"], status["servingReplicas"]) == ([{"name": MODEL_B, "replicas": 1}], 0)
        assert status["nonServingPods"] == [{"name": pod_name(tag_space), "served": "False", "model": MODEL_B}]

        rasa.model = MODEL_A
        tag_space.wait_until_ready()
        assert "nonServingPods" not in tag_space.status(ENVIRONMENT, "production")


def test_one_of_two_pods_that_lags_behind_is_named(tag_space: Space) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment(replicas=2))
    tag_space.wait_until_ready()

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        tag_space.eventually(lambda: rasa.asked > 1, "the first pod to be asked")
        tag_space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="ServedUnchecked")
        status = tag_space.status(ENVIRONMENT, "production")
        assert status["servingReplicas"] == 1
        (silent,) = status["nonServingPods"]
        assert silent in [{"name": name, "served": "Unknown"} for name in pod_names(tag_space)]


def test_a_promotion_asks_the_pods_again_at_once(tag_space: Space, front: Front) -> None:
    start(tag_space)

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        tag_space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True")

        tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})
        tag_space.wait_for_condition(
            ENVIRONMENT, "production", "ModelServed", status="False", reason="AnotherModelServed"
        )
        rasa.model = MODEL_B

        tag_space.wait_for_condition(
            ENVIRONMENT, "production", "ModelServed", status="True", message=f"1 of 1 ready pods serve {MODEL_B}"
        )
        serves_it = {"namespace": tag_space.namespace, "name": "production", "served": "True", "ready": "True"}
        tag_space.eventually(
            lambda: wait_until_tagged(tag_space, MODEL_B)["environments"] == [serves_it], "the ModelTag to say so"
        )
