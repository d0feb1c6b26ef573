"""A child that somebody edits or deletes is restored; what the operator does not own stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import CHILD_KINDS, ENVIRONMENT, Space

EVERYTHING: JsonObject = {
    "resources": {"requests": {"cpu": "100m"}},
    "autoscaling": {"maxReplicas": 3},
    "podDisruptionBudget": {"minAvailable": 1},
    "networkPolicy": {"from": "SameNamespace"},
    "ingress": {"hosts": [{"host": "chat.example.com"}]},
}
LABELS = {"metadata": {"labels": {"app.kubernetes.io/part-of": "something-else"}}}
UNMANAGED = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
"""Without this label, the operator's watches no longer see the object."""
EDITS: dict[str, tuple[JsonObject, ...]] = {
    "ServiceAccount": ({"automountServiceAccountToken": True},),
    "Secret": (
        {"data": {"token": "YW5vdGhlcg=="}},
        {"data": {"model-server-token": None}},
        {"data": {"mine": "MQ=="}},
        {"data": {"token": "YW5vdGhlcg=="}, "immutable": True},
    ),
    "ConfigMap": (
        {"data": {"endpoints.yml": "{}"}},
        {"data": {"credentials.yml": None}},
        {"data": {"endpoints.yml": "{}"}, "immutable": True},
    ),
    "Service": (
        {"spec": {"ports": [{"name": "http", "port": 1, "targetPort": "http"}]}},
        {"spec": {"selector": {"app.kubernetes.io/instance": "mine"}, "externalIPs": ["203.0.113.7"]}},
    ),
    "Deployment": ({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}, {"spec": {"paused": True}}),
    "HorizontalPodAutoscaler": ({"spec": {"maxReplicas": 9}},),
    "PodDisruptionBudget": ({"spec": {"minAvailable": 0}},),
    "NetworkPolicy": (
        {"spec": {"ingress": None}},
        {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
        {"spec": {"policyTypes": ["Ingress", "Egress"], "egress": [{}]}},
    ),
    "Ingress": (
        {"spec": {"rules": [{"host": "elsewhere.example.com"}]}},
        {"spec": {"defaultBackend": {"service": {"name": "mine", "port": {"number": 80}}}}},
    ),
}
CASES = [(kind, edit) for kind, edits in EDITS.items() for edit in (UNMANAGED, *edits)]
VOLATILE = ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp")


@pytest.fixture(scope="module")
def everything(new_space: Callable[[], Space], model_server: ModelServerProcess) -> Space:
    """Create an environment with every possible child."""
    space = new_space()
    furnish(space, model_server)
    space.apply(environment(**EVERYTHING))
    space.wait_until_ready()
    return space


@pytest.mark.parametrize(("kind", "edit"), CASES, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(CASES)])
def test_an_edited_child_is_restored(everything: Space, kind: str, edit: JsonObject) -> None:
    space = everything
    before = lasting(space.child(kind))

    edited = space.patch(kind, "production-rasa", edit)

    assert lasting(edited) != before
    space.eventually(lambda: lasting(space.find_child(kind) or edited) == before, f"the {kind} to be as it was")


@pytest.mark.parametrize("kind", CHILD_KINDS)
def test_a_deleted_child_comes_back(everything: Space, kind: str) -> None:
    space = everything
    before = space.child(kind)

    space.delete(kind, "production-rasa")

    def back() -> JsonObject | None:
        child = space.find_child(kind)
        return child if child is not None and child["metadata"]["uid"] != before["metadata"]["uid"] else None

    child = space.eventually(back, f"the {kind} to come back")
    assert child is not None
    space.wait_until_ready()
    if kind not in ("Secret", "Deployment"):  # a new token, and so a new digest
        assert lasting(space.child(kind)) == lasting(before)


@pytest.mark.parametrize("kind", CHILD_KINDS)
def test_annotations_and_labels_of_others_stay(everything: Space, kind: str) -> None:
    space = everything
    foreign = {
        "annotations": {"example.com/note": "mine"},
        "labels": {"example.com/team": "mine", **LABELS["metadata"]["labels"]},
    }

    space.patch(kind, "production-rasa", {"metadata": foreign})

    part_of = "app.kubernetes.io/part-of"
    space.eventually(
        lambda: space.child(kind)["metadata"]["labels"][part_of] == "rasa-environments", "the own label to be put right"
    )
    metadata = space.child(kind)["metadata"]
    assert metadata["annotations"]["example.com/note"] == "mine"
    assert metadata["labels"]["example.com/team"] == "mine"


def test_the_replicas_of_an_autoscaler_stay(everything: Space) -> None:
    space = everything

    space.patch("Deployment", "production-rasa", {"spec": {"replicas": 2, "progressDeadlineSeconds": 5}})

    space.eventually(lambda: space.child("Deployment")["spec"]["progressDeadlineSeconds"] == 900, "its own field back")
    assert space.child("Deployment")["spec"]["replicas"] == 2
    space.wait_until_ready()


def test_replicas_without_an_autoscaler_go_back(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    space.patch("Deployment", "production-rasa", {"spec": {"replicas": 3}})

    space.eventually(lambda: space.child("Deployment")["spec"]["replicas"] == 1, "the replicas to go back")


def test_the_autoscalers_replicas_survive_its_being_asked_for(space: Space) -> None:
    space.apply(environment(replicas=2))
    space.wait_until_ready()

    space.apply(environment(replicas=2, autoscaling={"maxReplicas": 4}))

    space.eventually(lambda: space.find_child("HorizontalPodAutoscaler"), "the autoscaler to be there")
    space.wait_until_ready()
    assert space.child("Deployment")["spec"]["replicas"] == 2


def test_what_is_added_to_the_pods_goes(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = space.child("Deployment")["spec"]
    pod = "/spec/template/spec"
    sidecar = {
        "name": "istio-proxy",
        "image": "example.com/proxy:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    intrusion: list[JsonObject] = [
        {"op": "add", "path": f"{pod}/containers/-", "value": sidecar},
        {"op": "add", "path": f"{pod}/containers/0/command", "value": ["python", "/elsewhere.py"]},
        {"op": "add", "path": f"{pod}/containers/0/env/-", "value": {"name": "PYTHONPATH", "value": "/elsewhere"}},
        {"op": "add", "path": f"{pod}/hostAliases", "value": [{"ip": "203.0.113.7", "hostnames": ["model-server"]}]},
    ]

    json_patch(space, "Deployment", intrusion)

    space.eventually(lambda: space.child("Deployment")["spec"] == before, "the Deployment to be as it was")


def test_what_a_policy_for_the_operator_would_refuse_goes_though_the_digest_was_changed_with_it(space: Space) -> None:
    space.apply(environment(ingress={"hosts": [{"host": "digest.example.com"}]}))
    space.wait_until_ready()
    before = {kind: space.child(kind)["spec"] for kind in ("Deployment", "Ingress")}
    digest: JsonObject = {"metadata": {"annotations": {"rasa-environments.io/desired": "another"}}}
    mine = {"service": {"name": "mine", "port": {"number": 80}}}

    space.patch("Deployment", "production-rasa", {**digest, "spec": {"template": {"spec": {"hostPID": True}}}})
    space.patch("Ingress", "production-rasa", {**digest, "spec": {"defaultBackend": mine}})

    for kind, spec in before.items():
        space.eventually(lambda kind=kind, spec=spec: space.child(kind)["spec"] == spec, f"the {kind} to be as it was")  # type: ignore[misc]


def test_a_renumbered_port_of_the_server_goes_back(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    port = "/spec/template/spec/containers/0/ports/0/containerPort"

    json_patch(space, "Deployment", [{"op": "replace", "path": port, "value": 9999}])

    def ports() -> list[int]:
        container = space.child("Deployment")["spec"]["template"]["spec"]["containers"][0]
        return [port["containerPort"] for port in container["ports"]]

    space.eventually(lambda: ports() == [5005], "the port to be put right")


def test_removing_from_the_podtemplate_what_was_set_there_removes_it(space: Space) -> None:
    space.apply(environment(podTemplate={"spec": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}]}}))
    space.wait_until_ready()
    assert "hostAliases" in space.child("Deployment")["spec"]["template"]["spec"]

    space.apply(environment(resources={"limits": {"memory": "1Gi"}}))
    space.eventually(lambda: "hostAliases" not in space.child("Deployment")["spec"]["template"]["spec"], "it to go")
    space.apply(environment())

    def without_resources() -> bool:
        return not space.child("Deployment")["spec"]["template"]["spec"]["containers"][0].get("resources")

    space.eventually(without_resources, "the resources to go")


def test_what_is_no_longer_asked_for_is_deleted(space: Space) -> None:
    on_request = {name: value for name, value in EVERYTHING.items() if name != "resources"}
    # Whose host it is counts in the whole cluster.
    on_request["ingress"] = {"hosts": [{"host": "on-request.example.com"}]}
    kinds = ("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress")
    space.apply(environment(**on_request))
    for kind in (*kinds, "Deployment"):
        space.eventually(lambda kind=kind: space.find_child(kind), f"the {kind} to be there")  # type: ignore[misc]
    template = space.child("Deployment")["spec"]["template"]

    space.apply(environment())

    for kind in kinds:
        space.eventually(lambda kind=kind: space.find_child(kind) is None, f"the {kind} to go")  # type: ignore[misc]
    space.wait_until_ready()
    assert space.child("Deployment")["spec"]["template"] == template


def test_a_child_on_request_that_belongs_to_somebody_else_is_not_deleted(space: Space) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "production-rasa"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "mine"}}},
    }
    space.apply(budget)

    space.apply(environment())
    space.wait_until_ready()

    assert space.child("PodDisruptionBudget")["metadata"].get("deletionTimestamp") is None
    assert space.condition(ENVIRONMENT, "production", "Stalled") == space.wait_for_condition(
        ENVIRONMENT, "production", "Stalled", status="False"
    )


def lasting(child: JsonObject) -> JsonObject:
    """The child without its status and what changes with every write."""
    metadata = {name: value for name, value in child["metadata"].items() if name not in VOLATILE}
    metadata["annotations"] = {
        name: value
        for name, value in (metadata.get("annotations") or {}).items()
        if not name.startswith("deployment.kubernetes.io/")
    }
    spec = dict(child.get("spec") or {})
    for assigned in ("clusterIP", "clusterIPs"):
        spec.pop(assigned, None)
    return {**{name: value for name, value in child.items() if name != "status"}, "metadata": metadata, "spec": spec}


def json_patch(space: Space, kind: str, operations: list[JsonObject]) -> None:
    """Patches a child by JSON patch, as an admission webhook does."""
    headers = {"Content-Type": "application/json-patch+json"}
    answer = space.api.request("PATCH", space.path(kind, "production-rasa"), operations, headers=headers)
    assert answer.accepted, answer.body["message"]
