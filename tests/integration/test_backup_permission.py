"""A restore lets no model through that its user may not promote, and moves no tag that a model has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rasa_environments.cluster.resources import SECRETS
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, environment, model_server, model_tag, secret
from tests.integration.model_server_process import API_TOKEN, MODEL_A, MODEL_B, TOKEN, ModelServerProcess
from tests.integration.people import Team

TAG = "ModelTag"
HISTORY = [
    {"model": MODEL_A, "hash": "a", "taggedTime": "2026-01-02T00:00:00Z", "promotedBy": "alice"},
    {"model": MODEL_B, "hash": "b", "taggedTime": "2026-01-01T00:00:00Z"},
]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(breakable: Installation, team: Team) -> Command:
    """Runs `rasa-environments <line>` as somebody."""

    def run(person: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["--kubeconfig", str(breakable.facts.kubeconfig), "--namespace", team.namespace]
        acting = ["--as", person] if person else []
        called = [sys.executable, "-m", "rasa_environments", *arguments, *where, *acting]
        return subprocess.run(called, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def backup(team: Team, own_model_server: ModelServerProcess, command: Command, tmp_path: Path) -> str:
    """A backup of a ModelTag on model A with its history; the ModelTag and its tag are lost."""
    answer = team.administrator.send(
        "POST", SECRETS.path(team.namespace), secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN)
    )
    assert answer.accepted, answer.body["message"]
    own_model_server.put_tag(MODEL_A, "production")
    team.given(model_server(own_model_server.url), model_tag(model=MODEL_A), environment("staging"))
    written = team.administrator.merge(TAG, "production", {"status": {"history": HISTORY}}, "status")
    assert written.accepted, written.body["message"]
    saved = command(None, "backup", str(tmp_path / "backup"))
    assert saved.returncode == 0, saved.stderr
    assert team.administrator.delete(TAG, "production").accepted
    own_model_server.delete_all_tags()
    return str(tmp_path / "backup")


def test_who_may_not_promote_restores_neither_the_tag_nor_its_model_tag(
    team: Team, own_model_server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command("dave", "restore", backup)

    assert ran.returncode == 7, ran.stdout + ran.stderr
    refused = 'user "dave" may not promote to "production"'
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith(f"not restored: tag production of model {MODEL_A}: {refused}")]
    assert [line for line in lines if line.startswith(f"not restored: ModelTag production: {refused}")]
    assert own_model_server.tags() == {}
    assert team.find(TAG, "production") is None


def test_who_may_not_write_statuses_restores_everything_but_the_history(
    team: Team, own_model_server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command("alice", "restore", backup)

    assert ran.returncode == 7, ran.stdout + ran.stderr
    assert f"not restored: history of ModelTag {team.namespace}/production: the API server denied this" in ran.stdout
    assert own_model_server.tags() == {"production": MODEL_A}
    assert team.promoted_by("production") == "alice"


def test_who_may_write_statuses_restores_the_history_as_it_was(
    team: Team, own_model_server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command(None, "restore", backup)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert team.get(TAG, "production")["status"]["history"] == HISTORY


@pytest.mark.parametrize("mode", ["client", "server"])
def test_a_dry_run_restores_nothing_and_names_what_it_would(
    team: Team, own_model_server: ModelServerProcess, command: Command, backup: str, mode: str
) -> None:
    ran = command(None, "restore", backup, f"--dry-run={mode}")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    suffix = "(dry run)" if mode == "client" else "(server dry run)"
    lines = [line for line in ran.stdout.splitlines() if line.endswith(suffix)]
    assert lines == [
        f"0 models uploaded, 2 were there {suffix}",
        f"tag production set on {MODEL_A} {suffix}",
        f"ModelTag {team.namespace}/production created {suffix}",
        f"history of ModelTag {team.namespace}/production restored {suffix}",
    ]
    assert own_model_server.tags() == {}
    assert team.find(TAG, "production") is None


def test_what_is_there_stays_as_it_is(
    team: Team, own_model_server: ModelServerProcess, command: Command, backup: str
) -> None:
    own_model_server.put_tag(MODEL_B, "production")
    team.given(model_tag(model=MODEL_B))

    ran = command(None, "restore", backup)

    assert ran.returncode == 7, ran.stdout + ran.stderr
    assert f"not restored: tag production of model {MODEL_A}: model {MODEL_B} has it now" in ran.stdout
    assert f"ModelTag {team.namespace}/production: there is one with another spec" in ran.stdout
    assert own_model_server.tags() == {"production": MODEL_B}
    assert team.get(TAG, "production")["spec"]["model"] == MODEL_B


def test_models_go_to_another_server_with_their_tags(
    team: Team, own_model_server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command(None, "restore", backup, "--only", "models")

    assert (ran.returncode, own_model_server.tags()) == (0, {"production": MODEL_A}), ran.stderr
    assert team.find(TAG, "production") is None
