"""Nothing is left of a deleted environment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, ModelServerProcess
from tests.integration.space import CHILD_KINDS, ENVIRONMENT, OUR_KINDS, Space

COLLECTION_SECONDS = 100.0
"""The garbage collector looks for new kinds every 30 s, so it may take its time right after the installation."""
EVERYTHING: JsonObject = {
    "autoscaling": {"maxReplicas": 3},
    "podDisruptionBudget": {"minAvailable": 1},
    "networkPolicy": {"from": "SameNamespace"},
    "ingress": {"hosts": [{"host": "chat.example.com"}]},
}


@pytest.fixture(scope="module")
def inhabited(new_space: Callable[[], Space], model_server: ModelServerProcess) -> Space:
    """Create a namespace with three environments, one of them with every possible child, and a ModelTag."""
    space = new_space()
    furnish(space, model_server)
    space.apply(environment(**EVERYTHING), environment("worker"), environment("staging"), model_tag(model=MODEL_A))
    space.wait_until_ready("production", "worker", "staging")
    space.apply(environment("staging", suspend=True))
    space.wait_for_condition(ENVIRONMENT, "staging", "Ready", reason="Suspended")
    return space


def test_no_object_has_a_finalizer_of_the_operator(inhabited: Space) -> None:
    objects = [item for kind in (*OUR_KINDS, *CHILD_KINDS) for item in inhabited.list(kind)]

    finalizers = [(item["metadata"]["name"], item["metadata"].get("finalizers")) for item in objects]

    assert [entry for entry in finalizers if entry[1]] == []
    assert len(objects) > len(CHILD_KINDS)


def test_a_recreated_environment_waits_for_the_children_of_the_old_one_to_go(inhabited: Space) -> None:
    space = inhabited
    token = space.token("worker")

    space.delete(ENVIRONMENT, "worker")
    space.apply(environment("worker"))
    uid = space.get(ENVIRONMENT, "worker")["metadata"]["uid"]

    def owners() -> set[str]:
        children = [space.find_child(kind, "worker") for kind in CHILD_KINDS]
        return {child["metadata"]["ownerReferences"][0]["uid"] for child in children if child is not None}

    space.eventually(lambda: owners() == {uid}, "the children to be those of the new one", COLLECTION_SECONDS)
    space.wait_until_ready("worker")
    assert space.token("worker") != token


@pytest.mark.parametrize("name", ["production", "staging"])
def test_a_deleted_environment_takes_all_its_children_along_even_where_it_is_suspended(
    inhabited: Space, name: str
) -> None:
    space = inhabited

    space.delete(ENVIRONMENT, name)

    def left() -> list[str]:
        return [kind for kind in CHILD_KINDS if space.find_child(kind, name) is not None]

    space.eventually(lambda: left() == [], "all children to be gone", COLLECTION_SECONDS)
    space.eventually(lambda: f'name="{name}"' not in metrics_of(space), "the operator to have forgotten it")


def metrics_of(space: Space) -> str:
    """The operator's metrics of the namespace."""
    lines = space.operator.answer("/metrics").text.splitlines()
    return "\n".join(line for line in lines if f'namespace="{space.namespace}"' in line and "Environment" in line)


def test_a_namespace_with_environments_goes_at_once(empty_space: Space, model_server: ModelServerProcess) -> None:
    space = empty_space
    furnish(space, model_server)
    space.apply(environment(**EVERYTHING), environment("worker", rasa={"version": "9.9.9"}), model_tag(model=MODEL_A))
    space.wait_until_ready()
    path = f"/api/v1/namespaces/{space.namespace}"

    space.api.request("DELETE", path)

    space.eventually(lambda: space.api.request("GET", path).status == 404, "the namespace to be gone", 60)
