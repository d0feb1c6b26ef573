"""Completion on a real API server, in this process and through a real kubectl."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster import ClusterFacts
from rasa_environments.cli.completion.program import lines, look
from rasa_environments.cli.completion.table import commands
from rasa_environments.cli.completion.words import wanted
from tests.eventually import eventually

from .conftest import Team
from .model_servers import model_file, model_server
from .test_upload import prepare

LONG = 60.0
"""Seconds that servers may take here, where the machine may be busy."""
SCRIPTS = {
    "kubectl-rasa": f'#!/bin/sh\nexec {sys.executable} -m rasa_environments "$@"\n',
    "kubectl_complete-rasa": f'#!/bin/sh\nexec {sys.executable} -m rasa_environments __complete "$@"\n',
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a model server on an empty directory."""
    with model_server(tmp_path_factory.mktemp("models")) as url:
        yield url


@pytest.fixture
def scene(team: Team, url: str, tmp_path: Path) -> Team:
    """An environment with a history, and a model server with a model that no tag has."""
    prepare(team, url, token="pull", apiToken="write")
    uploaded = team.run(f"upload {model_file(tmp_path, team.namespace)}")
    assert uploaded.exit_code == 0, uploaded.errors
    team.create("DeploymentEnvironment", "staging", {"rasa": {"version": "3.6.21"}, "tag": "next"})
    team.create("ModelTag", "live", {"model": "B", "tag": "production"})
    history = [{"model": name, "hash": name, "taggedTime": "2026-01-01T12:00:00Z"} for name in ("B", "A")]
    team.report("ModelTag", "live", {"taggedModel": {"name": "B", "hash": "B"}, "history": history})
    return team


def complete(team: Team, line: str) -> set[str]:
    """The candidates at the end of a line, in the namespace."""
    command, _, rest = line.partition(" ")
    words = [command, "-n", team.namespace, "--kubeconfig", str(team.kubeconfig), *rest.split(" ")]
    request = wanted(words, commands())
    known = list(request.values.choices)
    asyncio.run(look(request, known, LONG))
    return set(lines(request, known))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("promote B ", {"production", "staging"}),
        ("promote B st", {"staging"}),
        ("rollback production --to ", {"A", "B"}),
        ("models --tag ", {"production", "next"}),
        ("models --model-server ", {"default"}),
        ("freeze ", {"default"}),
    ],
)
def test_names_come_from_the_cluster(scene: Team, line: str, names: set[str]) -> None:
    assert complete(scene, line) == names


def test_models_are_those_of_the_tags_and_of_the_model_server(scene: Team) -> None:
    assert complete(scene, "promote ") >= {"A", "B", scene.namespace}


def test_namespaces_and_contexts_are_known(scene: Team) -> None:
    assert scene.namespace in complete(scene, "status -n ")
    assert len(complete(scene, "status --context ")) == 1


def test_what_may_not_be_read_is_not_offered(scene: Team) -> None:
    assert complete(scene, "promote --as nobody B ") == set()


def test_kubectl_completes_the_plugin(scene: Team, cluster: ClusterFacts, tmp_path: Path) -> None:
    if cluster.kubectl is None:
        pytest.skip("this flavour of the cluster comes without kubectl")
    for name, text in SCRIPTS.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "KUBECONFIG": str(scene.kubeconfig)}

    def completed(*words: str) -> list[str]:
        ran = subprocess.run(
            [str(cluster.kubectl), "__complete", *words], env=environment, capture_output=True, text=True, check=True
        )
        return ran.stdout.splitlines()

    assert completed("rasa", "promote", "--until=s") == ["--until=served", ":4"]
    assert eventually(lambda: completed("rasa", "promote", "-n", scene.namespace, "B", "p") == ["production", ":4"])
    assert any(line.startswith("rollout\t") for line in completed("rollo"))


@pytest.fixture
def silence() -> Iterator[str]:
    """Address of an API server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("reachable", [True, False], ids=["silent", "absent"])
def test_a_cluster_that_does_not_answer_ends_in_no_candidates_and_no_message(
    silence: str, unused_tcp_port: int, tmp_path: Path, reachable: bool
) -> None:
    server = silence if reachable else f"http://127.0.0.1:{unused_tcp_port}"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
contexts: [{{name: x, context: {{cluster: c}}}}]
current-context: x
"""
    )

    assert printed("promote", "--kubeconfig", str(kubeconfig), "B", "") == (0, ":4\n", "")


@pytest.mark.parametrize("content", [None, "", "[1, 2", "\x00"])
def test_a_kubeconfig_that_cannot_be_used_ends_so_too(tmp_path: Path, content: str | None) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    if content is not None:
        kubeconfig.write_text(content)

    assert printed("status", "--kubeconfig", str(kubeconfig), "--context", "") == (0, ":4\n", "")


def printed(*words: str) -> tuple[int, str, str]:
    """The exit code and output of a completion in its own process."""
    command = [sys.executable, "-m", "rasa_environments", "__complete", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)
    return ran.returncode, ran.stdout, ran.stderr
