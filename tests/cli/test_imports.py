"""What a command imports, which is most of the time that it takes to start."""

from __future__ import annotations

import subprocess
import sys

import pytest

MAIN = """
import runpy, sys
sys.argv = ["kubectl-rasa", *{words!r}]
try:
    runpy.run_module("rasa_environments", run_name="__main__")
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
PROCESS = {"kopf", "fastapi", "uvicorn", "rasa_environments.runtime", "rasa_environments.reconcile"}
"""What only a process that stays needs."""
KINDS = {f"rasa_environments.api.{kind}" for kind in ("deployment_environment", "model_tag", "model_server", "crd")}


def imported(*words: str) -> set[str]:
    """The modules that a command has imported when it looks for its kubeconfig, which is not there."""
    process = [sys.executable, "-c", MAIN.format(words=words)]
    ran = subprocess.run(process, capture_output=True, text=True, check=False)
    return set(ran.stderr.splitlines()[-1].split())


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/kubeconfig")


@pytest.mark.parametrize("words", [("status",), ("models",), ("promote", "production", "m")])
def test_a_command_imports_nothing_of_the_operator_and_the_model_server(words: tuple[str, ...]) -> None:
    modules = imported(*words)

    assert "rasa_environments.cli.exit_codes" in modules
    assert not PROCESS & modules


@pytest.mark.parametrize("command", ["status", "models"])
def test_a_list_is_made_without_the_whole_kinds(command: str) -> None:
    modules = imported(command)

    assert "rasa_environments.cli.partial" in modules
    assert not KINDS & modules
