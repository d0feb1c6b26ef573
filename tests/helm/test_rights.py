"""The chart grants the same rights as manifests/, in the whole cluster or only in selected namespaces."""

from __future__ import annotations

import pytest
import yaml

from local.installation import MANIFESTS, PROMOTION
from rasa_environments.api.base import JsonObject
from tests.helm.rendering import NAMESPACE, RELEASE, SERVED, RefusedError, Rendered, render

OPERATOR = f"{RELEASE}-operator"
LEADER = f"{RELEASE}-leader"
PARTS = ("writes", "children", "pods")
ACCOUNT_POLICIES = {f"{OPERATOR}-{part}" for part in PARTS}
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
    release = render({"namespaces": ["bots"], "replicas": 2})

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

    assert release.kinds() & CLUSTER_KINDS == {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert release.names("ClusterRole") == {OPERATOR}
    assert release.names("ValidatingAdmissionPolicy") == ACCOUNT_POLICIES


def of_the_account(release: Rendered, prefix: str = RELEASE) -> list[JsonObject]:
    """The policies for the operator's account."""
    return [release.one("ValidatingAdmissionPolicy", f"{prefix}-operator-{part}") for part in PARTS]


def test_the_policies_for_its_account_are_those_of_the_manifests_but_for_the_name_of_the_account() -> None:
    for part, made in zip(PARTS, of_the_account(render()), strict=True):
        policy, binding = yaml.safe_load_all((MANIFESTS / "account" / f"{part}.yaml").read_text())
        user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
        own = [{"name": "operator", "expression": f"request.userInfo.username == '{user}'"}]
        assert made["spec"] == {**policy["spec"], "matchConditions": own}
        assert render().one(binding["kind"], binding["metadata"]["name"])["spec"] == binding["spec"]


@pytest.mark.parametrize(
    ("values", "prefix", "account"),
    [
        ({"fullnameOverride": "other"}, "other", "other"),
        ({"serviceAccount": {"create": False, "name": "operators"}}, RELEASE, "operators"),
        ({"namespaces": ["bots"], "accountPolicy": {"enabled": True}}, f"{NAMESPACE}-{RELEASE}", RELEASE),
    ],
    ids=str,
)
def test_the_policies_are_for_the_account_of_the_release(values: JsonObject, prefix: str, account: str) -> None:
    release = render(values)

    for policy in of_the_account(release, prefix):
        (condition,) = policy["spec"]["matchConditions"]
        assert condition["expression"] == f"request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{account}'"
        binding = release.one("ValidatingAdmissionPolicyBinding", policy["metadata"]["name"])
        assert binding["spec"]["policyName"] == policy["metadata"]["name"]


def test_who_administers_the_cluster_can_install_them_for_the_operators_of_others() -> None:
    release = render({"operator": {"enabled": False}, "accountPolicy": {"enabled": True}})

    policy, _ = yaml.safe_load_all((MANIFESTS / "account" / "writes.yaml").read_text())
    assert of_the_account(release)[0]["spec"] == policy["spec"]


def test_the_protected_namespaces_can_be_chosen_and_the_policies_left_out() -> None:
    chosen = of_the_account(render({"accountPolicy": {"protectedNamespaces": ["kube-*", "argocd"]}}))[0]

    assert {"name": "protectedNamespaces", "expression": '["kube-*","argocd"]'} in chosen["spec"]["variables"]
    assert render({"accountPolicy": {"enabled": False}}).names("ValidatingAdmissionPolicy").isdisjoint(ACCOUNT_POLICIES)
    with pytest.raises(RefusedError, match="protectedNamespaces"):
        render({"accountPolicy": {"protectedNamespaces": ["' || true || '"]}})
