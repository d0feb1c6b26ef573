"""The operator's resources and permissions are installed, and a process can be its ServiceAccount."""

import stat
from pathlib import Path
from typing import Any

import pytest

from local.api_server import ApiServer, Refused
from local.cluster import ClusterFacts
from local.installation import NAMESPACE, SERVICE_ACCOUNT, documents, install
from local.service_account import service_account_kubeconfig


@pytest.fixture(scope="module")
def installed(cluster: ClusterFacts) -> list[dict[str, Any]]:
    return install(cluster.kubeconfig)


def test_the_new_kinds_can_be_used_at_once(cluster: ClusterFacts, installed: list[dict[str, Any]]) -> None:
    assert sum(obj["kind"] == "CustomResourceDefinition" for obj in installed) == 3
    with ApiServer(cluster.kubeconfig) as api:
        for plural in ("modelservers", "deploymentenvironments", "modeltags"):
            assert api.get(f"/apis/rasa-environments.io/v1alpha1/{plural}")["items"] is not None


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
        with pytest.raises(Refused, match="is forbidden"):
            api.get("/api/v1/nodes")
    assert stat.S_IMODE(own.stat().st_mode) == 0o600


def test_what_the_api_server_refuses_is_told_in_its_words(cluster: ClusterFacts) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}, "dta": {}}

    with ApiServer(cluster.kubeconfig) as api, pytest.raises(Refused, match=r"unknown field|not declared in schema"):
        api.apply(document)


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("name: b\n---\n---\nname: c\n")
    (tmp_path / "a.yaml").write_text("name: a\n")

    assert [document["name"] for document in documents([tmp_path])] == ["a", "b", "c"]
