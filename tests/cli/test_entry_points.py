"""All ways to start the command line, each in its own process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.cluster import ClusterFacts
from rasa_environments.cli.commands import MODULES

SCRIPTS = Path(sys.executable).parent
COMMANDS = tuple(MODULES)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a process that has to succeed."""
    completed = subprocess.run(
        arguments, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stderr
    return completed


@pytest.mark.parametrize(
    "start",
    [
        (str(SCRIPTS / "rasa-environments"),),
        (sys.executable, "-m", "rasa_environments"),
        (str(SCRIPTS / "kubectl-rasa"),),
    ],
    ids=["script", "module", "plugin"],
)
def test_every_way_to_start_it_knows_all_commands(start: tuple[str, ...]) -> None:
    shown = run(*start, "--help").stdout

    assert all(re.search(rf"\b{name}\b", shown) for name in COMMANDS)


def test_the_version_is_told() -> None:
    assert re.fullmatch(
        r"rasa-environments \d+\.\d+\.\d+\n", run(str(SCRIPTS / "rasa-environments"), "--version").stdout
    )


def test_as_a_plugin_it_is_called_what_its_users_type() -> None:
    assert "Usage: kubectl rasa promote" in run(str(SCRIPTS / "kubectl-rasa"), "promote", "--help").stdout


def test_kubectl_finds_the_plugin(cluster: ClusterFacts) -> None:
    if cluster.kubectl is None:
        pytest.skip("this flavour of the cluster comes without kubectl")
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"

    assert "Usage: kubectl rasa" in run(str(cluster.kubectl), "rasa", "--help", PATH=path).stdout


def test_a_missing_cluster_is_one_line(tmp_path: Path, unused_tcp_port: int) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{unused_tcp_port}"}}}}]
users: [{{name: u, user: {{}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    )
    completed = subprocess.run(
        [str(SCRIPTS / "rasa-environments"), "status", "--kubeconfig", str(kubeconfig)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.returncode == 1
    assert completed.stdout == ""
    (told,) = completed.stderr.splitlines()
    assert told.startswith(f"error: no answer from the API server http://127.0.0.1:{unused_tcp_port}: ")
    assert told.endswith("; check --kubeconfig, --context and that the cluster runs")


def test_a_missing_kubeconfig_is_one_line(tmp_path: Path) -> None:
    completed = subprocess.run(
        [str(SCRIPTS / "rasa-environments"), "status", "--kubeconfig", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.returncode == 1
    (told,) = completed.stderr.splitlines()
    assert told.startswith("error: ")
    assert f"no such file: {tmp_path}/none" in told
