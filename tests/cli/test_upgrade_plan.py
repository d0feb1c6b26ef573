"""`upgrade-plan` on a real API server and model server: what it finds out, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.cli.upgrade_plan import interrupting

from .conftest import Team
from .model_servers import model_file, model_server
from .terminals import in_a_terminal
from .test_upload import prepare

OLD = "3.5.0"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a model server on an empty directory."""
    with model_server(tmp_path_factory.mktemp("models")) as url:
        yield url


@pytest.fixture
def upgradable(team: Team, url: str, tmp_path: Path) -> Team:
    """An environment of Rasa 3.5.0 that serves a model of that version, with another one on the tag."""
    prepare(team, url, token="pull", apiToken="write")
    model = team.namespace
    assert team.run(f"upload {model_file(tmp_path, model, OLD)}").exit_code == 0
    for name in ("staging", "canary"):
        team.create("DeploymentEnvironment", name, {"rasa": {"version": OLD}, "tag": "staging"})
    team.create("ModelTag", "staging", {"model": model})
    followers = [
        {"namespace": team.namespace, "name": name, "served": "True", "ready": "True"} for name in ("canary", "staging")
    ]
    team.report("ModelTag", "staging", {"taggedModel": {"name": model, "hash": "h"}, "environments": followers})
    return team


@pytest.mark.parametrize(("to", "first"), [("3.6.20", "Server"), ("3.6.21", "Together"), (OLD, "Nothing")])
def test_the_model_and_the_version_decide_which_goes_first(upgradable: Team, to: str, first: str) -> None:
    ran = upgradable.run(f"upgrade-plan staging --to {to} -o json")

    assert ran.exit_code == 0, ran.errors
    plan = json.loads(ran.output)
    assert plan["first"] == first
    assert plan["model"] == {"name": upgradable.namespace, "version": OLD}
    assert (plan["from"], plan["to"]) == (OLD, to)


def test_for_people_the_steps_are_numbered_and_come_with_commands(upgradable: Team) -> None:
    ran = upgradable.run("upgrade-plan staging --to 3.6.21")

    told = ran.output.splitlines()
    assert (
        told[0] == f"{upgradable.namespace}/staging, Rasa {OLD} -> 3.6.21: server and model together, the server first"
    )
    assert [line[0] for line in told if line[0].isdecimal()] == ["1", "2", "3", "4", "5"]
    assert f"   kubectl rasa promote MODEL staging -n {upgradable.namespace}" in told
    assert f"Change environment {upgradable.namespace}/canary to Rasa 3.6.21" in ran.output
    assert "Not known:" in told


def test_commands_are_copied_whole_from_a_narrow_terminal(upgradable: Team) -> None:
    _, written = in_a_terminal(
        ["upgrade-plan", "staging", "--to", "3.6.21", "-n", upgradable.namespace], upgradable.kubeconfig
    )

    patch = """--type=merge -p '{"spec":{"rasa":{"version":"3.6.21"}}}'"""
    assert f"   kubectl patch denv staging -n {upgradable.namespace} {patch}" in written.splitlines()


def test_what_cannot_be_asked_is_unknown_and_says_why(upgradable: Team, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-wrong-token")

    ran = upgradable.run(f"upgrade-plan staging --to 3.6.21 --token-file {token}")

    assert ran.exit_code == 6
    assert "which version model" in ran.output
    assert "it does not accept the credentials" in ran.output
    assert "a-wrong-token" not in ran.output + ran.errors


def test_a_version_that_the_table_does_not_have_is_unknown(upgradable: Team) -> None:
    ran = upgradable.run("upgrade-plan staging --to 3.99.0 -o name")

    assert ran.exit_code == 6
    assert ran.output == "deploymentenvironment.rasa-environments.io/staging\n"


def test_a_release_of_rasa_pro_asks_for_its_profile(upgradable: Team) -> None:
    ran = upgradable.run("upgrade-plan staging --to 3.20.0")

    assert "is a release of Rasa Pro, of which there is no image for the profile OpenSource" in ran.output


def test_what_is_no_version_is_a_usage_error(team: Team) -> None:
    assert team.run("upgrade-plan production --to latest").exit_code == 2


def test_a_missing_environment_is_not_found(team: Team) -> None:
    assert team.run("upgrade-plan staging --to 3.6.21").exit_code == 4


@pytest.mark.parametrize(
    ("spec", "setting"),
    [
        ({}, None),
        ({"deploymentStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}, None),
        ({"deploymentStrategy": {"type": "Recreate"}}, "spec.deploymentStrategy.type Recreate"),
        (
            {"deploymentStrategy": {"rollingUpdate": {"maxUnavailable": "25%"}}},
            "spec.deploymentStrategy.rollingUpdate.maxUnavailable 25%",
        ),
        ({"model": {"required": False}}, "spec.model.required false"),
    ],
)
def test_a_setting_that_stops_old_pods_first_is_found(spec: dict[str, object], setting: str | None) -> None:
    assert interrupting(EnvironmentSpec.model_validate(spec)) == setting
