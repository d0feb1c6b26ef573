"""The manifests in manifests/: the API server accepts them, and they grant the operator exactly what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rasa_environments.api.base import GROUP, JsonObject
from tests.api.api_server import NAMESPACE, ApiServer, wait_until
from tests.api.objects import MODELS

MANIFESTS = Path(__file__).parents[2] / "manifests"
OPERATOR = "system:serviceaccount:rasa-environments:rasa-environments"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def documents(path: str) -> list[JsonObject]:
    return list(yaml.safe_load_all((MANIFESTS / path).read_text()))


SAMPLES = [
    (path.name, obj)
    for path in sorted((MANIFESTS / "samples").glob("*.yaml"))
    for obj in documents(str(path))
    if obj["kind"] in MODELS
]
CLUSTER_WIDE = {
    "Namespace": "/api/v1/namespaces",
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
}
NAMESPACED = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Role": RBAC + "/namespaces/{}/roles",
    "RoleBinding": RBAC + "/namespaces/{}/rolebindings",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}


def path_of(obj: JsonObject) -> str:
    """Return the path of any object of manifests/ except the samples."""
    collection = CLUSTER_WIDE.get(obj["kind"]) or NAMESPACED[obj["kind"]].format(obj["metadata"]["namespace"])
    return f"{collection}/{obj['metadata']['name']}"


@pytest.fixture(scope="module")
def permissions(api: ApiServer) -> ApiServer:
    """Return an API server with the operator's namespace and all roles, but without the operator."""
    files = ("overlays/cluster/namespace.yaml", "base/rbac.yaml", "promotion/roles.yaml")
    for obj in [obj for file in files for obj in documents(file)]:
        answer = api.apply(path_of(obj), obj)
        assert answer.accepted, answer.body["message"]
    return api


def may(api: ApiServer, user: str, verb: str, resource: str, namespace: str = NAMESPACE, name: str = "") -> bool:
    """Return whether the user may do this; the resource is plural[/subresource][.group]."""
    plural, _, group = resource.partition(".")
    plural, _, subresource = plural.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": plural, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": {**attributes, "name": name}},
    }
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer.body["status"]["allowed"])


@pytest.mark.parametrize(("file", "obj"), SAMPLES, ids=lambda case: case["kind"] if isinstance(case, dict) else case)
def test_a_sample_is_taken_as_it_stands(api: ApiServer, file: str, obj: JsonObject) -> None:
    answer = api.create({**obj, "metadata": {**obj["metadata"], "namespace": NAMESPACE}}, strict=True)

    assert answer.accepted, f"{file}: {answer.body['message']}"
    MODELS[obj["kind"]].model_validate(answer.body)


def test_an_environment_is_ten_lines_at_most() -> None:
    texts = (MANIFESTS / "samples" / "environments.yaml").read_text().split("---\n")

    assert len(texts) == 3
    assert all(len(text.splitlines()) <= 10 for text in texts)


def test_the_samples_tag_a_model_for_each_environment() -> None:
    names = {kind: [obj["metadata"]["name"] for _, obj in SAMPLES if obj["kind"] == kind] for kind in MODELS}

    assert names == {
        "ModelServer": ["default"],
        "DeploymentEnvironment": ["production", "worker", "staging"],
        "ModelTag": ["production", "worker", "staging", "acceptance"],
    }


def test_kustomize_takes_everything_but_itself_and_the_samples() -> None:
    folders = ("account", "base", "overlays", "promotion")
    shipped = {path for folder in folders for path in (MANIFESTS / folder).rglob("*.yaml")}

    own = {path for path in shipped if path.name != "kustomization.yaml" and path.parent.name != "samples"}
    assert set(resources(MANIFESTS)) == own


def resources(folder: Path) -> list[Path]:
    """Return the files of a kustomization, and the kustomizations that it includes."""
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    listed = [(folder / name).resolve() for name in names]
    return [file for path in listed for file in (resources(path) if path.is_dir() else [path])]


def test_the_operator_runs_as_a_restricted_pod(permissions: ApiServer) -> None:
    (deployment,) = documents("base/deployment.yaml")
    pod = {**deployment["spec"]["template"], "apiVersion": "v1", "kind": "Pod"}
    pod["metadata"] = {**pod["metadata"], "name": "operator"}
    query = {"dryRun": "All", "fieldValidation": "Strict"}

    as_pod = permissions.request("POST", "/api/v1/namespaces/rasa-environments/pods", pod, params=query)
    as_deployment = permissions.request("POST", path_of(deployment).rpartition("/")[0], deployment, params=query)

    assert as_pod.accepted, as_pod.body["message"]
    assert as_deployment.accepted, as_deployment.body["message"]
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


ALLOWED = [
    *((verb, f"{plural}.{GROUP}") for plural in ("modelservers", "modeltags") for verb in ("list", "watch")),
    *(("patch", f"{plural}/status.{GROUP}") for plural in ("modelservers", "deploymentenvironments", "modeltags")),
    ("update", f"deploymentenvironments/finalizers.{GROUP}"),
    *(
        (verb, resource)
        for resource in ("configmaps", "services", "serviceaccounts", "deployments.apps")
        for verb in ("get", "list", "watch", "create", "patch", "delete")
    ),
    *((verb, "secrets") for verb in ("get", "list", "watch", "create", "patch")),
    *(
        (verb, resource)
        for resource in (
            "horizontalpodautoscalers.autoscaling",
            "poddisruptionbudgets.policy",
            "networkpolicies.networking.k8s.io",
            "ingresses.networking.k8s.io",
        )
        for verb in ("get", "list", "watch", "create", "patch", "delete")
    ),
    *(("delete", resource) for resource in ("secrets", "pods")),
    ("watch", "pods"),
    *((verb, "namespaces") for verb in ("get", "list", "watch")),
    *((verb, "events.events.k8s.io") for verb in ("create", "patch")),
]
FORBIDDEN = [
    *((verb, f"deploymentenvironments.{GROUP}") for verb in ("create", "update", "patch", "delete")),
    ("patch", f"modeltags.{GROUP}"),
    ("delete", "namespaces"),
    *((verb, "pods") for verb in ("create", "patch")),
    *((verb, "events.events.k8s.io") for verb in ("get", "list", "update", "delete")),
    ("create", "events"),
    ("create", "pods/exec"),
    ("create", "serviceaccounts/token"),
    ("get", "nodes"),
    ("create", "roles.rbac.authorization.k8s.io"),
    ("create", "leases.coordination.k8s.io"),
    ("impersonate", "users"),
]


@pytest.mark.parametrize(("verb", "resource"), ALLOWED)
def test_the_operator_may_do_its_work_everywhere(permissions: ApiServer, verb: str, resource: str) -> None:
    assert may(permissions, OPERATOR, verb, resource)


@pytest.mark.parametrize(("verb", "resource"), FORBIDDEN)
def test_the_operator_may_not_do_more(permissions: ApiServer, verb: str, resource: str) -> None:
    assert not may(permissions, OPERATOR, verb, resource)


def test_the_operator_may_hold_its_own_lease_alone(permissions: ApiServer) -> None:
    leases = "leases.coordination.k8s.io"

    for verb in ("get", "patch"):
        assert may(permissions, OPERATOR, verb, leases, "rasa-environments", "rasa-environments")
        assert not may(permissions, OPERATOR, verb, leases, "rasa-environments", "another")
    assert may(permissions, OPERATOR, "create", leases, "rasa-environments")
    assert not may(permissions, OPERATOR, "create", leases)


def test_who_may_edit_a_namespace_may_promote_and_scale_in_it_and_who_may_view_it_may_look(
    permissions: ApiServer,
) -> None:
    for role in ("view", "edit"):
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"may-{role}", "namespace": NAMESPACE},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"who-may-{role}"}],
        }
        assert permissions.apply(path_of(binding), binding).accepted
    tags, scale = f"modeltags.{GROUP}", f"deploymentenvironments/scale.{GROUP}"

    wait_until(lambda: may(permissions, "who-may-view", "list", tags), "the role to be aggregated to view")
    wait_until(lambda: may(permissions, "who-may-edit", "patch", tags), "the role to be aggregated to edit")

    assert may(permissions, "who-may-edit", "patch", scale)
    assert may(permissions, "who-may-edit", "list", tags)
    assert not may(permissions, "who-may-view", "patch", tags)
    assert not may(permissions, "who-may-edit", "patch", f"modeltags/status.{GROUP}")
