"""This project's `kind` supports the commands of kind, and says clearly what it cannot do."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from local.installation import ROOT
from local.node.clusters import ClusterMissingError
from local.node.kind import chosen_kubeconfig, kind, require_one_plain_node

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: kind-e2e
clusters: [{name: kind-e2e, cluster: {}}, {name: mine, cluster: {}}]
users: [{name: kind-e2e, user: {}}, {name: mine, user: {}}]
contexts: [{name: kind-e2e, context: {}}, {name: mine, context: {}}]
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No clusters but those of the test."""
    monkeypatch.setenv("RASA_ENVIRONMENTS_CACHE", str(tmp_path / "cache"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(kind, arguments)


def test_no_clusters_are_reported_as_kind_does() -> None:
    result = run("get", "clusters")

    assert (result.stdout, result.stderr, result.exit_code) == ("", "No kind clusters found.\n", 0)


@pytest.mark.parametrize("name", [("--name=e2e",), ("--name", "e2e")], ids=["one word", "two words"])
def test_to_delete_what_is_not_there_cleans_the_kubeconfig(tmp_path: Path, name: tuple[str, ...]) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)

    result = run("delete", "cluster", *name, f"--kubeconfig={path}")

    assert result.exit_code == 0
    assert "there was no cluster e2e" in result.stderr
    assert "kind-e2e" not in path.read_text()
    assert "mine" in path.read_text()


@pytest.mark.parametrize(
    "arguments",
    [("get", "nodes"), ("get", "kubeconfig"), ("load", "docker-image", "pause"), ("restart", "node")],
    ids=" ".join,
)
def test_a_missing_cluster_is_reported_by_its_name(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--name", "e2e")

    assert isinstance(result.exception, ClusterMissingError)
    assert "there is no cluster e2e that is ready" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "node-image"), "No such command 'build'"),
        (("create", "cluster", "--retain"), "No such option: --retain"),
        (("create", "cluster", "--image", "kindest/node:v1.30.0"), "this node is no image; it has Kubernetes v1.36.3"),
        (("load", "docker-image"), "Missing argument 'IMAGE...'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_it_cannot_do_is_refused_with_the_reason(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("nodes", [None, [{"role": "control-plane"}]], ids=["by default", "as written"])
def test_a_configuration_of_one_plain_node_is_taken(nodes: list[dict[str, str]] | None) -> None:
    config: dict[str, Any] = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}

    require_one_plain_node(config if nodes is None else {**config, "nodes": nodes}, Path("kind.yaml"))


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"nodes": [{"role": "control-plane"}, {"role": "worker"}]}, "other nodes than one plain control-plane"),
        ({"featureGates": {"X": True}}, "featureGates"),
    ],
    ids=["workers", "feature gates"],
)
def test_a_configuration_that_asks_for_more_is_refused(config: dict[str, Any], what: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"kind.yaml asks for {what}"):
        require_one_plain_node(config, Path("kind.yaml"))


def test_the_kubeconfig_is_the_one_that_kind_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/first:/second")
    assert chosen_kubeconfig(Path("/asked")) == Path("/asked")
    assert chosen_kubeconfig(None) == Path("/first")
    monkeypatch.delenv("KUBECONFIG")
    assert chosen_kubeconfig(None) == Path.home() / ".kube" / "config"


def test_the_program_runs_from_any_directory(tmp_path: Path) -> None:
    (tmp_path / "kind").symlink_to(ROOT / "local" / "bin" / "kind")

    said = subprocess.run([tmp_path / "kind", "version"], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "Kubernetes v1.36.3" in said.stdout
