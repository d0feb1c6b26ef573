"""What the chart permits: the same as manifests/, in the whole cluster or in chosen namespaces alone."""

from __future__ import annotations

import pytest
import yaml

from local.installation import MANIFESTS, PROMOTION
from rasa_environments.api.base import JsonObject
from tests.helm.rendering import NAMESPACE, RELEASE, SERVED, render

OPERATOR = f"{RELEASE}-operator"
LEADER = f"{RELEASE}-leader"
CLUSTER_KINDS = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def shipped(kind: str, name: str) -> JsonObject:
    """A role of manifests/."""
    documents = yaml.safe_load_all((MANIFESTS / "base" / "rbac.yaml").read_text())
    return next(each for each in documents if (each["kind"], each["metadata"]["name"]) == (kind, name))


def test_the_operator_may_do_what_the_manifests_permit() -> None:
    release = render()

    assert release.one("ClusterRole", OPERATOR)["rules"] == shipped("ClusterRole", OPERATOR)["rules"]
    assert release.one("Role", LEADER)["rules"] == shipped("Role", LEADER)["rules"]
    assert release.one("ClusterRoleBinding", OPERATOR)["subjects"] == [
        {"kind": "ServiceAccount", "name": RELEASE, "namespace": NAMESPACE}
    ]


def test_in_chosen_namespaces_it_may_do_the_same_and_nothing_elsewhere() -> None:
    release = render({"namespaces": ["bots", "bots-staging"]})

    roles = [obj for obj in release.objects if obj["kind"] == "Role" and obj["metadata"]["name"] == OPERATOR]
    assert [role["metadata"]["namespace"] for role in roles] == ["bots", "bots-staging"]
    assert all(role["rules"] == shipped("ClusterRole", OPERATOR)["rules"] for role in roles)
    bindings = [obj for obj in release.objects if obj["kind"] == "RoleBinding"]
    assert {binding["metadata"]["namespace"] for binding in bindings} == {"bots", "bots-staging", NAMESPACE}
    assert {binding["subjects"][0]["namespace"] for binding in bindings} == {NAMESPACE}
    assert release.variables()["RASA_ENVIRONMENTS_NAMESPACES"] == "bots bots-staging"


def test_in_chosen_namespaces_nothing_of_the_release_belongs_to_the_cluster() -> None:
    release = render({"namespaces": ["bots"], "replicas": 2, "networkPolicy": {"enabled": True}})

    assert release.kinds() & CLUSTER_KINDS == set()


def test_who_may_can_switch_on_what_belongs_to_the_cluster_all_the_same() -> None:
    release = render({"namespaces": ["bots"], "crds": {"install": True}, "promotion": {"policies": True}})

    assert release.kinds() & CLUSTER_KINDS == CLUSTER_KINDS - {"ClusterRoleBinding"}
    assert OPERATOR not in release.names("ClusterRole")


def test_rights_can_be_left_to_somebody_else() -> None:
    release = render({"rbac": {"create": False}, "promotion": {"roles": False}})

    assert release.kinds() & {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"} == set()
    assert release.names("ServiceAccount") == {RELEASE}


@pytest.mark.parametrize("file", yaml.safe_load((PROMOTION / "kustomization.yaml").read_text())["resources"])
def test_policies_and_roles_for_people_are_those_of_the_manifests(file: str) -> None:
    release = render()

    for wanted in yaml.safe_load_all((PROMOTION / file).read_text()):
        made = release.one(wanted["kind"], wanted["metadata"]["name"])
        assert made["metadata"]["labels"].items() >= wanted["metadata"].get("labels", {}).items()
        assert {**made, "metadata": None} == {**wanted, "metadata": None}


def test_the_stamp_is_left_out_where_the_cluster_does_not_serve_it() -> None:
    older = [name for name in SERVED if not name.endswith("MutatingAdmissionPolicy")]

    assert render(served=older).names("MutatingAdmissionPolicy") == set()
    assert render(served=older).names("ValidatingAdmissionPolicy") == render().names("ValidatingAdmissionPolicy")
    assert render({"promotion": {"stamp": True}}, served=older).names("MutatingAdmissionPolicy") != set()


def test_without_policies_there_are_no_roles_for_people_and_no_stamp() -> None:
    release = render({"promotion": {"policies": False}})

    assert release.kinds() & CLUSTER_KINDS == {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
    assert release.names("ClusterRole") == {OPERATOR}
