"""An action server next to an environment, on a real API server with simulated pods."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from tests.integration.audit import AuditLog, counted
from tests.integration.manifests import environment
from tests.integration.space import ENVIRONMENT, Space

NAME = "production-actions"
KINDS = ("ServiceAccount", "Service", "NetworkPolicy", "Deployment")
IMAGE = "registry.example.com/actions:1"
NOWHERE: JsonObject = {"spec": {"nodeSelector": {"disk": "none"}}}
"""A pod template whose pods find no node."""


def image(space: Space) -> str | None:
    """The image that the environment's status reports."""
    reported: str | None = space.status(ENVIRONMENT, "production").get("actionServer", {}).get("image")
    return reported


def children(space: Space) -> set[str]:
    """The kinds of the action server's children."""
    return {kind for kind in KINDS if space.find(kind, NAME) is not None}


def test_an_environment_with_an_action_server_is_ready_once_both_are(space: Space) -> None:
    space.apply(environment(actionServer={"image": IMAGE}))

    space.wait_until_ready()

    assert children(space) == set(KINDS)
    assert image(space) == IMAGE
    space.wait_for_condition(ENVIRONMENT, "production", "ActionServerAvailable", status="True", reason="Available")
    uid = space.get(ENVIRONMENT, "production")["metadata"]["uid"]
    assert {space.get(kind, NAME)["metadata"]["ownerReferences"][0]["uid"] for kind in KINDS} == {uid}


def test_it_costs_its_children_and_nothing_at_rest(space: Space, audit: AuditLog) -> None:
    start = audit.mark()
    space.apply(environment(actionServer={"image": IMAGE}))
    space.wait_until_ready()
    requests = counted([entry for entry in audit.requests(start) if entry.namespace == space.namespace])
    created = {name: count for name, count in requests.items() if name.startswith("create ")}
    created.pop("create events", None)
    space.operator.wait_for_passes("ModelServer", 2)
    rest = audit.mark()

    space.operator.wait_for_passes("ModelServer", 2)

    assert created == {
        **dict.fromkeys(("create configmaps", "create secrets", "create networkpolicies"), 1),
        **dict.fromkeys(("create deployments", "create serviceaccounts", "create services"), 2),
    }
    assert [entry for entry in audit.requests(rest) if entry.namespace == space.namespace] == []


def test_the_environment_is_not_ready_while_its_action_server_is_not_available(space: Space) -> None:
    space.apply(environment(actionServer={"image": IMAGE, "podTemplate": NOWHERE}))

    message = f"waiting for Deployment {space.namespace}/{NAME}: 0 of 1 pods available"
    space.wait_until_not_ready("WaitingForPods", message)
    space.wait_for_condition(ENVIRONMENT, "production", "Available", status="True")
    assert image(space) is None

    space.apply(environment(actionServer={"image": IMAGE}))
    space.wait_until_ready()


def test_an_edited_or_deleted_child_comes_back(space: Space) -> None:
    space.apply(environment(actionServer={"image": IMAGE}))
    space.wait_until_ready()

    def mine() -> object:
        return space.get("Deployment", NAME)["spec"]["template"]["spec"]["containers"][0]["image"]

    mined = {"spec": {"template": {"spec": {"containers": [{"name": "actions", "image": "mine"}]}}}}
    space.patch("Deployment", NAME, mined)
    space.eventually(lambda: mine() == IMAGE, "the image to be restored")
    for kind in KINDS:
        space.delete(kind, NAME)
        space.eventually(lambda kind=kind: space.find(kind, NAME) is not None, f"the {kind} to be back")  # type: ignore[misc]


def test_another_image_is_reported_once_all_pods_run_it(space: Space) -> None:
    space.apply(environment(actionServer={"image": IMAGE}))
    space.wait_until_ready()

    space.apply(environment(actionServer={"image": "registry.example.com/actions:2", "podTemplate": NOWHERE}))
    space.wait_for_condition(ENVIRONMENT, "production", "ActionServerAvailable", status="False")
    assert image(space) == IMAGE

    space.apply(environment(actionServer={"image": "registry.example.com/actions:2"}))
    space.wait_until_ready()
    space.eventually(lambda: image(space) == "registry.example.com/actions:2", "the new image to be reported")


def test_what_the_spec_no_longer_asks_for_is_deleted(space: Space) -> None:
    space.apply(environment(actionServer={"image": IMAGE, "podDisruptionBudget": {"maxUnavailable": 1}}))
    space.wait_until_ready()
    assert space.find("PodDisruptionBudget", NAME) is not None

    space.apply(environment())

    space.eventually(lambda: children(space) == set(), "the action server to be gone")
    space.eventually(lambda: space.find("PodDisruptionBudget", NAME) is None, "its budget to be gone")
    space.wait_until_ready()
    assert image(space) is None


def test_an_object_of_somebody_else_with_its_name_is_left_alone_and_named(space: Space) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": {"ports": [{"port": 80}]}}
    space.apply(service, environment(actionServer={"image": IMAGE}))

    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="NameConflict")

    assert "ownerReferences" not in space.get("Service", NAME)["metadata"]
