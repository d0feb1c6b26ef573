"""A ModelTag: its tag is on the model that it names, whatever others do, and its status shows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment, model_server, model_tag
from tests.integration.model_server_front import MODELS, Front, Said
from tests.integration.model_server_process import MODEL_A, MODEL_B, SAMPLES
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space

TAG = "ModelTag"


def tagged_model(space: Space, name: str = "production") -> str | None:
    """The model that the tag is on, by the ModelTag's status."""
    tagged: str | None = space.status(TAG, name).get("taggedModel", {}).get("name")
    return tagged


def wait_until_tagged(space: Space, model: str, name: str = "production") -> JsonObject:
    """The ModelTag's status, once its tag is on the model."""
    space.wait_for_condition(TAG, name, "Tagged", status="True")
    space.eventually(lambda: tagged_model(space, name) == model, f"ModelTag {name} to be on {model}")
    return space.status(TAG, name)


def models_in(history: list[JsonObject] | None) -> list[str]:
    return [entry["model"] for entry in history or ()]


def test_a_tag_is_put_on_its_model_once_and_pulled_once_to_be_sure(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))

    status = wait_until_tagged(tag_space, MODEL_A)

    expected = front.behind.hash_of(MODEL_A)
    assert front.behind.hash_of_tag("production") == expected
    assert (status["tag"], status["taggedModel"]) == ("production", {"name": MODEL_A, "hash": expected})
    assert models_in(status["history"]) == [MODEL_A]
    assert "previousModel" not in status
    assert front.count("PUT", f"{MODELS}/{MODEL_A}/tags/production") == 1
    assert front.count("HEAD", f"{MODELS}/tags/production") == 1
    for condition in ("Served", "Ready"):
        tag_space.wait_for_condition(
            TAG,
            "production",
            condition,
            status="False",
            reason="NoEnvironment",
            message="no environment pulls the tag production, so no environment serves its model",
        )


def test_a_promotion_moves_the_tag_and_remembers_the_model_before(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)

    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})

    status = wait_until_tagged(tag_space, MODEL_B)
    assert front.behind.tags() == {"production": MODEL_B}
    assert status["previousModel"]["name"] == MODEL_A
    assert models_in(status["history"]) == [MODEL_B, MODEL_A]


@pytest.mark.parametrize(("limit", "remembered"), [(0, []), (2, [MODEL_A, MODEL_B])])
def test_the_history_is_as_long_as_its_limit_and_a_rollback_is_known_without_it(
    tag_space: Space, limit: int, remembered: list[str]
) -> None:
    for model in (MODEL_A, MODEL_B, MODEL_A):
        tag_space.apply(model_tag(model=model, historyLimit=limit))
        status = wait_until_tagged(tag_space, model)

    assert models_in(status.get("history")) == remembered
    assert status["previousModel"]["name"] == MODEL_B


def test_a_tag_that_somebody_moved_is_put_back(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    before = wait_until_tagged(tag_space, MODEL_A)

    front.behind.put_tag(MODEL_B, "production")

    tag_space.eventually(lambda: front.behind.tags() == {"production": MODEL_A}, "the tag to be put back")
    start = len(front.asked)
    tag_space.eventually(lambda: front.listings_since(start) >= 2, "two more listings")
    assert wait_until_tagged(tag_space, MODEL_A)["history"] == before["history"]


def test_a_model_that_is_not_there_is_named_and_tagged_as_soon_as_it_is_uploaded(
    tag_space: Space, front: Front, tmp_path: Path
) -> None:
    tag_space.apply(model_tag(model="later"))
    for condition in ("Ready", "Tagged"):
        tag_space.wait_for_condition(
            TAG,
            "production",
            condition,
            status="False",
            reason="ModelNotFound",
            message=f"the model server at {front.url}{MODELS}/later/tags/production has no model later that can carry "
            "tag production (ModelNotFound); upload it, or name one that it lists",
        )

    front.behind.upload(Path(shutil.copy(SAMPLES / f"{MODEL_A}.tar.gz", tmp_path / "later.tar.gz")))

    wait_until_tagged(tag_space, "later")


def test_a_model_carries_several_tags_and_each_moves_alone(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A), model_tag("worker", model=MODEL_A), model_tag("blue", model=MODEL_A))
    for name in ("production", "worker", "blue"):
        wait_until_tagged(tag_space, MODEL_A, name)

    tag_space.patch(TAG, "worker", {"spec": {"model": MODEL_B}})

    wait_until_tagged(tag_space, MODEL_B, "worker")
    assert front.behind.tags() == {"production": MODEL_A, "worker": MODEL_B, "blue": MODEL_A}


def test_a_tag_stays_the_tag_that_its_history_is_of(tag_space: Space) -> None:
    tag_space.apply(model_tag("live", tag="blue", model=MODEL_B))

    answer = tag_space.try_to_apply(model_tag("live", tag="green", model=MODEL_A))

    assert not answer.accepted
    assert "spec.tag may not be changed: the history is that of one tag" in answer.body["message"]


def test_the_environments_that_pull_the_tag_are_named(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment(), environment("other", tag="none"))
    tag_space.wait_until_ready("production")

    named = {"namespace": tag_space.namespace, "name": "production", "served": "True", "ready": "True"}
    tag_space.eventually(
        lambda: tag_space.status(TAG, "production").get("environments") == [named],
        "the environment that pulls the tag to be listed",
    )


def test_a_tag_whose_last_environment_is_deleted_is_served_by_nobody(tag_space: Space) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment())
    tag_space.wait_until_ready()
    tag_space.wait_for_condition(TAG, "production", "Served", status="True")

    tag_space.delete(ENVIRONMENT, "production")

    tag_space.wait_for_condition(TAG, "production", "Served", status="False", reason="NoEnvironment")


def test_a_promotion_reaches_the_environments_at_once(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment())
    tag_space.wait_until_ready()

    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})

    tag_space.eventually(
        lambda: tag_space.status(ENVIRONMENT, "production")["desiredModel"]["name"] == MODEL_B, "model B to be wanted"
    )


def test_a_tag_of_another_namespace_needs_the_servers_permission(
    tag_space: Space, front: Front, new_space: Callable[[], Space]
) -> None:
    other = new_space()
    reference = {"name": "default", "namespace": tag_space.namespace}
    other.apply(model_tag(model=MODEL_A, modelServerRef=reference))
    other.wait_for_condition(
        TAG,
        "production",
        "Ready",
        status="False",
        reason="RefNotPermitted",
        message=f"ModelServer {tag_space.namespace}/default does not allow namespace {other.namespace}: add "
        f"{other.namespace} to its spec.accessFrom.namespaces",
    )
    assert front.behind.tags() == {}

    tag_space.apply(model_server(front.url, accessFrom={"namespaces": [other.namespace]}))

    wait_until_tagged(other, MODEL_A)
    assert front.behind.tags() == {"production": MODEL_A}


def test_a_tag_whose_server_is_not_there_waits_for_it(empty_space: Space, front: Front) -> None:
    empty_space.apply(model_tag(model=MODEL_A))
    empty_space.wait_for_condition(
        TAG,
        "production",
        "Tagged",
        status="False",
        reason="ModelServerNotFound",
        message=f"ModelServer {empty_space.namespace}/default not found: create it, or name another one in "
        "spec.modelServerRef",
    )

    furnish(empty_space, front)

    wait_until_tagged(empty_space, MODEL_A)


def test_all_tags_and_environments_of_a_server_cost_one_listing_per_interval(
    tag_space: Space, front: Front, operator: OperatorProcess
) -> None:
    names = ("production", "worker", "staging")
    tag_space.apply(*(model_tag(name, model=MODEL_A) for name in names), *(environment(name) for name in names))
    tag_space.wait_until_ready(*names)
    for name in names:
        wait_until_tagged(tag_space, MODEL_A, name)
    start, passes = len(front.asked), operator.passes("ModelServer")

    tag_space.eventually(lambda: front.listings_since(start) >= 4, "four more listings")

    asked = front.asked[start:]
    assert {(each.method, each.path) for each in asked} == {("GET", MODELS)}
    under_way = 1  # pass at the most, which has listed and not ended yet
    assert len(asked) <= operator.passes("ModelServer") - passes + under_way


def test_a_server_that_only_answers_pulls_is_asked_for_each_tag(empty_space: Space, front: Front) -> None:
    """For example a static file server: no listing, no tags to set, modelPath says where the models are."""
    front.fault = lambda asked: Said(404, "no such path") if "tags" not in asked.path or asked.method == "PUT" else None
    front.behind.put_tag(MODEL_A, "production")
    furnish(empty_space, front, modelPath="/projects/{project}/models/tags/{tag}")

    empty_space.apply(environment(), environment("worker"), model_tag(model=MODEL_A))

    empty_space.wait_until_ready("production")
    model = empty_space.status(ENVIRONMENT, "production")["desiredModel"]
    assert model == {"name": MODEL_A, "hash": front.behind.hash_of(MODEL_A)}
    wait_until_tagged(empty_space, MODEL_A)
    empty_space.wait_until_not_ready(
        "TagNotFound",
        f"no model on ModelServer {empty_space.namespace}/default carries the tag worker: promote one, for example "
        "`kubectl rasa promote MODEL worker`",
        "worker",
    )
    front.behind.put_tag(MODEL_B, "worker")
    empty_space.wait_until_ready("worker")
    empty_space.wait_for_condition(
        "ModelServer",
        "default",
        "Ready",
        status="True",
        message="tags can be pulled; the server lists no models, so it is asked for each tag by itself",
    )
    assert "models" not in empty_space.status("ModelServer", "default")
