"""Conflicts: objects of others, and environments that want the same name or tag."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_deletion import EVERYTHING
from tests.integration.test_drift import lasting

POD = {
    "metadata": {"labels": {"app": "mine"}},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "mine",
                "image": "example.com/mine:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}
SELECTOR = {"matchLabels": {"app": "mine"}}
BACKEND = {"service": {"name": "mine", "port": {"number": 80}}}
FOREIGN: dict[str, JsonObject] = {
    "Secret": {"apiVersion": "v1", "stringData": {"mine": "1"}},
    "Deployment": {"apiVersion": "apps/v1", "spec": {"replicas": 0, "selector": SELECTOR, "template": POD}},
    "Ingress": {"apiVersion": "networking.k8s.io/v1", "spec": {"defaultBackend": BACKEND}},
}
"""One with generated content, one that is always there, and one on request: no other kind is treated differently."""


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_object_of_somebody_else_is_named_and_left_alone_until_it_is_deleted(space: Space, kind: str) -> None:
    space.apply({**FOREIGN[kind], "kind": kind, "metadata": {"name": "production-rasa"}})
    before = space.child(kind)

    space.apply(environment(replicas=0, **EVERYTHING))

    space.wait_until_not_ready(
        "NameConflict",
        f"{kind} {space.namespace}/production-rasa is there already and does not belong to this environment: "
        "delete or rename it, or name this environment otherwise",
    )
    assert lasting(space.child(kind)) == lasting(before)
    space.delete(kind, "production-rasa")
    space.wait_for_condition(ENVIRONMENT, "production", "Stalled", status="False")
    owner = space.child(kind)["metadata"]["ownerReferences"][0]
    assert owner["uid"] == space.get(ENVIRONMENT, "production")["metadata"]["uid"]


def test_the_owner_of_an_object_in_the_way_is_named(space: Space) -> None:
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}})
    uid = space.get("ConfigMap", "owner")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "controller": True}
    metadata = {"name": "production-rasa", "ownerReferences": [owner]}
    space.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})

    space.apply(environment())

    space.wait_until_not_ready(
        "NameConflict",
        f"Secret {space.namespace}/production-rasa is there already and belongs to ConfigMap/owner: "
        "delete or rename it, or name this environment otherwise",
    )
    assert space.find_child("Deployment") is None


def test_the_newer_of_two_environments_of_one_name_is_refused_until_the_older_is_gone(space: Space) -> None:
    space.apply(environment("a", environment="support"))
    space.wait_until_ready("a")

    space.apply(environment("b", environment="support", tag="staging"))

    space.wait_until_not_ready(
        "EnvironmentConflict",
        f"RASA_ENVIRONMENT support is already used by environment {space.namespace}/a on the same ModelServer: "
        "delete one of the two, or create this one with another spec.environment",
        "b",
    )
    assert space.find_child("Deployment", "b") is None
    space.wait_until_ready("a")
    space.delete(ENVIRONMENT, "a")
    space.wait_until_ready("b")


def test_the_newer_of_two_environments_of_one_tag_is_refused_until_it_has_another(space: Space) -> None:
    space.apply(environment("a", tag="support"))
    space.wait_until_ready("a")

    space.apply(environment("b", tag="support"))

    space.wait_until_not_ready(
        "TagConflict",
        f"tag support is already used by environment {space.namespace}/a on the same ModelServer: each environment "
        "has a tag of its own, and a model may carry several; set another spec.tag",
        "b",
    )
    space.apply(environment("b", tag="staging"))
    space.wait_until_ready("a", "b")


def test_an_environment_that_comes_to_want_the_tag_of_an_older_one_keeps_its_pods(space: Space) -> None:
    space.apply(environment("a", tag="support"), environment("b", tag="staging"))
    space.wait_until_ready("a", "b")
    before = space.child("Deployment", "b")["metadata"]["generation"]

    space.apply(environment("b", tag="support"))

    space.wait_for_condition(ENVIRONMENT, "b", "Ready", status="False", reason="TagConflict")
    assert space.child("Deployment", "b")["metadata"]["generation"] == before


def test_environments_of_one_name_on_two_servers_do_not_know_each_other(
    space: Space, another_space: Space, model_server: ModelServerProcess
) -> None:
    furnish(another_space, model_server)

    space.apply(environment())
    another_space.apply(environment())

    space.wait_until_ready()
    another_space.wait_until_ready()
