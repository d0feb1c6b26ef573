"""A restore lets no model through that its user may not promote, and moves no tag that a model has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rasa_environments.cluster.resources import SECRETS
from tests.cli.conftest import Ran
from tests.cli.conftest import command as run_command
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, environment, model_server, model_tag, secret
from tests.integration.model_server_process import API_TOKEN, MODEL_A, MODEL_B, TOKEN, ModelServerProcess
from tests.integration.people import Team

TAG = "ModelTag"
HISTORY = [
    {"model": MODEL_A, "hash": "a", "taggedTime": "2026-01-02T00:00:00Z", "promotedBy": "alice"},
    {"model": MODEL_B, "hash": "b", "taggedTime": "2026-01-01T00:00:00Z"},
]
Command = Callable[..., Ran]


@pytest.fixture
def command(breakable: Installation, team: Team) -> Command:
    """Runs `rasa-environments <line>` as somebody."""

    def run(person: str | None, line: str) -> Ran:
        acting = f" --as {person}" if person else ""
        return run_command(f"{line} --namespace {team.namespace}{acting}", breakable.facts.kubeconfig)

    return run


@pytest.fixture
def server(tagged_model_server: ModelServerProcess) -> Iterator[ModelServerProcess]:
    """A model server without tags."""
    yield tagged_model_server
    tagged_model_server.delete_all_tags()


@pytest.fixture
def backup(team: Team, server: ModelServerProcess, command: Command, tmp_path: Path) -> str:
    """A backup of a ModelTag on model A with its history; the ModelTag and its tag are lost."""
    answer = team.administrator.send(
        "POST", SECRETS.path(team.namespace), secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN)
    )
    assert answer.accepted, answer.body["message"]
    server.put_tag(MODEL_A, "production")
    team.given(model_server(server.url), model_tag(model=MODEL_A), environment("staging"))
    written = team.administrator.merge(TAG, "production", {"status": {"history": HISTORY}}, "status")
    assert written.accepted, written.body["message"]
    saved = command(None, f"backup {tmp_path / 'backup'}")
    assert saved.exit_code == 0, saved.errors
    assert team.administrator.delete(TAG, "production").accepted
    server.delete_all_tags()
    return str(tmp_path / "backup")


def test_who_may_not_promote_restores_neither_the_tag_nor_its_model_tag(
    team: Team, server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command("dave", f"restore {backup}")

    assert ran.exit_code == 7, ran.output + ran.errors
    refused = 'user "dave" may not promote to "production"'
    lines = ran.output.splitlines()
    assert [line for line in lines if line.startswith(f"not restored: tag production of model {MODEL_A}: {refused}")]
    assert [line for line in lines if line.startswith(f"not restored: ModelTag production: {refused}")]
    assert server.tags() == {}
    assert team.find(TAG, "production") is None


def test_who_may_not_write_statuses_restores_everything_but_the_history(
    team: Team, server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command("alice", f"restore {backup}")

    assert ran.exit_code == 7, ran.output + ran.errors
    assert f"not restored: history of ModelTag {team.namespace}/production: the API server denied this" in ran.output
    assert server.tags() == {"production": MODEL_A}
    assert team.promoted_by("production") == "alice"


def test_who_may_write_statuses_restores_the_history_as_it_was(
    team: Team, server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command(None, f"restore {backup}")

    assert ran.exit_code == 0, ran.output + ran.errors
    assert team.get(TAG, "production")["status"]["history"] == HISTORY


@pytest.mark.parametrize("mode", ["client", "server"])
def test_a_dry_run_restores_nothing_and_names_what_it_would(
    team: Team, server: ModelServerProcess, command: Command, backup: str, mode: str
) -> None:
    ran = command(None, f"restore {backup} --dry-run={mode}")

    assert ran.exit_code == 0, ran.output + ran.errors
    suffix = "(dry run)" if mode == "client" else "(server dry run)"
    lines = [line for line in ran.output.splitlines() if line.endswith(suffix)]
    assert lines == [
        f"0 models uploaded, 2 were there {suffix}",
        f"tag production set on {MODEL_A} {suffix}",
        f"ModelTag {team.namespace}/production created {suffix}",
        f"history of ModelTag {team.namespace}/production restored {suffix}",
    ]
    assert server.tags() == {}
    assert team.find(TAG, "production") is None


def test_what_is_there_stays_as_it_is(team: Team, server: ModelServerProcess, command: Command, backup: str) -> None:
    server.put_tag(MODEL_B, "production")
    team.given(model_tag(model=MODEL_B))

    ran = command(None, f"restore {backup}")

    assert ran.exit_code == 7, ran.output + ran.errors
    assert f"not restored: tag production of model {MODEL_A}: model {MODEL_B} has it now" in ran.output
    assert f"ModelTag {team.namespace}/production: there is one with another spec" in ran.output
    assert server.tags() == {"production": MODEL_B}
    assert team.get(TAG, "production")["spec"]["model"] == MODEL_B


def test_models_go_to_another_server_with_their_tags(
    team: Team, server: ModelServerProcess, command: Command, backup: str
) -> None:
    ran = command(None, f"restore {backup} --only models")

    assert (ran.exit_code, server.tags()) == (0, {"production": MODEL_A}), ran.errors
    assert team.find(TAG, "production") is None
