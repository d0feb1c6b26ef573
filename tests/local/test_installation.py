"""The operator's resources and permissions are installed, and a process can act as its ServiceAccount."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.api_server import ApiServer, RefusedError
from local.cluster import ClusterFacts
from local.installation import NAMESPACE, PROMOTION, SERVICE_ACCOUNT, apply, documents, install
from local.service_account import service_account_kubeconfig
from tests.clusters import cluster_apart


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[ClusterFacts]:
    """A separate cluster: what is installed here refuses what other tests do in any namespace."""
    with cluster_apart(request) as facts:
        yield facts


@pytest.fixture(scope="module")
def installed(cluster: ClusterFacts) -> list[dict[str, Any]]:
    return install(cluster.kubeconfig)


def test_the_new_kinds_can_be_used_at_once(cluster: ClusterFacts, installed: list[dict[str, Any]]) -> None:
    assert sum(obj["kind"] == "CustomResourceDefinition" for obj in installed) == 3
    with ApiServer(cluster.kubeconfig) as api:
        for plural in ("modelservers", "deploymentenvironments", "modeltags"):
            assert api.get(f"/apis/rasa-environments.io/v1alpha1/{plural}")["items"] is not None


def test_who_promotes_is_written_down_at_once(cluster: ClusterFacts, installed: list[dict[str, Any]]) -> None:
    assert any(obj["kind"] == "MutatingAdmissionPolicyBinding" for obj in installed)
    tag = {"metadata": {"name": "production"}, "spec": {"model": "A"}}
    document = {"apiVersion": "rasa-environments.io/v1alpha1", "kind": "ModelTag", **tag}
    path = "/apis/rasa-environments.io/v1alpha1/namespaces/default/modeltags?dryRun=All"

    with ApiServer(cluster.kubeconfig) as api:
        created = api.post(path, document)

    assert list(created["metadata"]["annotations"]) == ["rasa-environments.io/promoted-by"]


class OldApiServer(ApiServer):
    """An API server of a Kubernetes that does not serve some kinds."""

    def apply(self, document: Mapping[str, Any], namespace: str = "default") -> dict[str, Any]:
        """Accepts every kind except those that came with 1.36."""
        if str(document["kind"]).startswith("Mutating"):
            raise RefusedError(404, "the API server serves no such kind")
        return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def test_what_an_older_cluster_does_not_serve_is_left_out(cluster: ClusterFacts) -> None:
    steps: list[str] = []

    with OldApiServer(cluster.kubeconfig) as api:
        stored = apply(api, documents([PROMOTION]), progress=steps.append)

    assert {str(obj["kind"]) for obj in stored} == {
        "ClusterRole",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert [step for step in steps if step.startswith("left out")] == [
        f"left out {kind} rasa-environments-promoted-by: the API server serves no such kind"
        for kind in ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
    ]


def test_installing_again_changes_nothing(cluster: ClusterFacts, installed: list[dict[str, Any]]) -> None:
    again = install(cluster.kubeconfig)

    generations = [[obj["metadata"].get("generation") for obj in objects] for objects in (installed, again)]
    assert generations[0] == generations[1]


def test_the_kubeconfig_is_that_of_the_service_account(
    cluster: ClusterFacts, installed: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert installed
    own = service_account_kubeconfig(cluster.kubeconfig, NAMESPACE, SERVICE_ACCOUNT, tmp_path / "kubeconfig")

    with ApiServer(own) as api:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        user = api.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]
        assert user["username"] == f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
        assert api.get("/apis/rasa-environments.io/v1alpha1/modelservers")["items"] is not None
        with pytest.raises(RefusedError, match="is forbidden"):
            api.get("/api/v1/nodes")
    assert stat.S_IMODE(own.stat().st_mode) == 0o600


def test_what_the_api_server_refuses_is_reported_in_its_own_words(cluster: ClusterFacts) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}, "dta": {}}

    with (
        ApiServer(cluster.kubeconfig) as api,
        pytest.raises(RefusedError, match=r"unknown field|not declared in schema"),
    ):
        api.apply(document)


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("name: b\n---\n---\nname: c\n")
    (tmp_path / "a.yaml").write_text("name: a\n")

    assert [document["name"] for document in documents([tmp_path])] == ["a", "b", "c"]
