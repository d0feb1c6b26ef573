"""`import`: resources on standard output, and a report about each value on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.exit_codes import ExitCode

from .conftest import Ran, command

VALUES = """
rasax: {tag: 1.0.1, token: hunter1, initialUser: {username: me, password: hunter2}}
rasa:
  tag: 2.8.15-full
  versions: {rasaProduction: {enabled: true}}
  additionalChannelCredentials: {slack: {slack_token: hunter3}}
"""


def import_values(text: str, options: str = "--release my -n bots") -> Ran:
    """Imports values from standard input."""
    return command(f"import - {options}", stdin=text)


def documents(ran: Ran) -> list[JsonObject]:
    """Return the output of a command that succeeded, at least in part."""
    assert ran.exit_code in (ExitCode.DONE, ExitCode.PARTIAL), ran.errors
    return list(yaml.safe_load_all(ran.output))


def kinds(ran: Ran) -> list[str]:
    """Kinds and names of what was written."""
    return [f"{each['kind']} {each['metadata']['name']}" for each in documents(ran)]


def test_a_values_file_becomes_a_model_server_and_its_environments() -> None:
    ran = import_values(VALUES)

    assert kinds(ran) == ["ModelServer default", "DeploymentEnvironment production", "DeploymentEnvironment worker"]
    assert {each["metadata"]["namespace"] for each in documents(ran)} == {"bots"}


@pytest.mark.parametrize(
    ("output", "read"), [("json", json.loads), ("yaml", lambda text: {"items": list(yaml.safe_load_all(text))})]
)
def test_every_format_has_the_same_resources_and_the_same_report(
    output: str, read: Callable[[str], JsonObject]
) -> None:
    ran = import_values(VALUES, f"--release my -n bots -o {output}")

    assert read(ran.output)["items"] == documents(import_values(VALUES))
    assert ran.errors == import_values(VALUES).errors


def test_the_names_of_the_resources_are_one_a_line() -> None:
    ran = import_values(VALUES, "--release my -n bots -o name")

    assert ran.output.splitlines() == [
        "modelserver.rasa-environments.io/default",
        "deploymentenvironment.rasa-environments.io/production",
        "deploymentenvironment.rasa-environments.io/worker",
    ]


def test_each_value_is_accounted_for_with_its_line() -> None:
    report = import_values(VALUES).errors

    assert "standard input:2 rasax.tag: ModelServer: spec.profile" in report
    assert "standard input:6 rasa.additionalChannelCredentials.slack.slack_token: spec.defaults.channels" in report


def test_what_the_chart_adds_and_what_is_left_to_do_is_reported() -> None:
    report = import_values(VALUES).errors

    assert "rasa.rabbitQueue: rasa_production_events" in report
    assert "create secret generic my-model-server" in report
    assert "create Secret my-imported with the keys additionalChannelCredentials-slack-slack_token" in report


def test_secrets_are_written_only_where_they_are_asked_for() -> None:
    without = import_values(VALUES)
    with_secrets = import_values(VALUES, "--release my -n bots --with-secrets")

    for secret in ("hunter1", "hunter2", "hunter3"):
        assert secret not in without.output + without.errors + with_secrets.errors
    assert kinds(with_secrets)[:2] == ["Secret my-imported", "Secret my-model-server"]
    assert documents(with_secrets)[1]["stringData"] == {"token": "hunter1", "username": "me", "password": "hunter2"}
    assert "do not commit it" in with_secrets.errors


def test_further_files_are_merged_over_the_first(tmp_path: Path) -> None:
    below, above = tmp_path / "values.yaml", tmp_path / "production.yaml"
    below.write_text(VALUES)
    above.write_text("rasa: {tag: 2.8.34-full}\n")

    ran = command(f"import {below} -f {above}")

    assert documents(ran)[0]["spec"]["defaults"]["rasa"] == {"version": "2.8.34"}
    assert f"{above}:1 rasa.tag" in ran.errors


@pytest.mark.parametrize("version", ["2.11.0", "rasa-x-2.11.0"])
def test_the_version_of_the_chart_is_taken_as_helm_list_shows_it(version: str) -> None:
    ran = import_values("", f"--from rasa-x --chart-version {version}")

    assert documents(ran)[0]["spec"]["profile"] == "RasaX-0.32"


@pytest.mark.parametrize("tag", ["0.26.0", "0.42.6", "1.0.1"])
def test_the_operator_makes_objects_of_what_is_imported(tag: str, tmp_path: Path) -> None:
    file = tmp_path / "imported.yaml"
    values = VALUES.replace("1.0.1", tag).replace("2.8.15", "1.10.26" if tag < "0.32" else "2.8.15")
    file.write_text(import_values(values, "--release my -n bots --with-secrets").output)

    ran = command(f"render -f {file} -n bots")

    made = [f"{each['kind']} {each['metadata']['name']}" for each in documents(ran)]
    assert {"Deployment production-rasa", "Deployment worker-rasa"} <= {*made}


@pytest.mark.parametrize(
    ("text", "options", "what"),
    [
        ("rasa: [", "", "standard input:1:8: is not YAML"),
        ("- rasa", "", "standard input:1: is no mapping"),
        (VALUES, "--release My_Release", "--release My_Release is no such name"),
        (VALUES, "--namespace a.b", "--namespace a.b is no such name"),
        (VALUES, "--chart-version newest", "--chart-version newest is no version such as 4.5.8"),
        (VALUES, "--chart-version 9.9.9", "--chart-version 9.9.9 is no known release of the Helm chart rasa-x"),
        ("", "", "standard input: may be for rasa-x or rasa or rasa-pro or compose"),
        (VALUES, "--from rasa-pro", "standard input: has no value of the Helm chart rasa for Rasa Pro"),
        ("postgresql: {install: true}", "", "standard input: may be for rasa-x or rasa, and nothing"),
        ("apiVersion: v1\nkind: Secret\n", "", "standard input: looks like Kubernetes manifests"),
        (
            "image: {tag: a}\napplicationSettings: {port: 1}\nservice: {port: 80}",
            "",
            "standard input: looks like values of",
        ),
        (
            "services: {web: {image: nginx}}",
            "",
            "standard input: looks like a docker-compose file without a Rasa server",
        ),
        ("rasa-x: {rasax: {token: a}}", "", "standard input: looks like the values of a chart of your own"),
        ("mysql: {auth: {password: a}}", "", "standard input: is not known: it has mysql at its top"),
    ],
)
def test_what_cannot_be_imported_is_reported_in_one_line(text: str, options: str, what: str) -> None:
    ran = import_values(text, options)

    assert (ran.exit_code, ran.output) == (1, "")
    assert ran.errors.startswith(f"error: {what}")
    assert len(ran.errors.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "chart.tgz").write_bytes(b"\x1f\x8b\x08\xff")

    absent, packed = (command(f"import {tmp_path}/{name}") for name in ("absent.yaml", "chart.tgz"))

    assert (absent.exit_code, packed.exit_code) == (4, 1)
    assert absent.errors == f"error: {tmp_path}/absent.yaml not found: check the path\n"
    assert packed.errors.startswith(f"error: {tmp_path}/chart.tgz is not a text file")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("rasax: {token: a}", "the Helm chart rasa-x"),
        ("eventService: {port: 1}", "the Helm chart rasa-x"),
        ("nginx: {subPath: /bot}\nseparateEventService: 'true'", "the Helm chart rasa-x"),
        ("applicationSettings: {token: a}", "the Helm chart rasa for open-source Rasa"),
        ("rasaProLicense: {secretName: a}", "the Helm chart rasa for Rasa Pro"),
        ("rasa: {settings: {environment: production}}", "the Helm chart rasa for Rasa Pro"),
        ("services: {rasa: {image: 'rasa/rasa:3.6.21-full'}}", "docker-compose"),
        ("services: {bot: {image: bot, environment: [RASA_ENVIRONMENT=a]}}", "docker-compose"),
    ],
)
def test_the_file_tells_what_it_is_for(text: str, source: str) -> None:
    assert import_values(text).output.startswith(f"# From {source}")


@pytest.mark.parametrize(("release", "code"), [("rasa-x-4.5.8", 0), ("4.5.8", 0), ("1.3.0", 1)])
def test_a_release_tells_the_chart_where_the_file_does_not(release: str, code: int) -> None:
    ran = import_values("postgresql: {install: true}", f"--chart-version {release}")

    assert ran.exit_code == code, ran.errors


def test_what_is_left_to_do_makes_the_result_partial() -> None:
    complete = import_values("rasax: {tag: 1.2.2}")
    partial = import_values("rasax: {tag: 1.2.2, token: '${TOKEN}'}")

    assert (complete.exit_code, complete.errors.split(":")[0]) == (ExitCode.DONE, "complete")
    assert (partial.exit_code, partial.errors.split(":")[0]) == (ExitCode.PARTIAL, "partial")
    assert "1 of 2 values not carried over" in partial.errors
    assert "ModelServer" in partial.output


def test_a_secret_of_docker_compose_that_is_a_variable_is_asked_for() -> None:
    text = "services: {rasa: {image: 'rasa/rasa:3.6.21-full', environment: {RASA_TOKEN: '${RASA_TOKEN}'}}}"

    ran = import_values(text)

    assert ran.exit_code == ExitCode.PARTIAL
    assert "put into Secret my-imported what the file has as a variable: RASA_TOKEN" in ran.errors
    assert "${RASA_TOKEN}" not in ran.output


def test_variables_of_docker_compose_are_read_beside_the_file_or_from_files_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTSIDE", "2.8.34")
    file = tmp_path / "docker-compose.yml"
    file.write_text("services: {a: {image: 'rasa/rasa:${OUTSIDE}-full', environment: {RASA_ENVIRONMENT: '${NAME}'}}}")
    (tmp_path / ".env").write_text("NAME=one\nOUTSIDE=1.0.0\n")
    (tmp_path / "two.env").write_text("NAME=two\n")

    usual, named = command(f"import {file}"), command(f"import {file} --env-file {tmp_path / 'two.env'}")

    assert kinds(usual) == ["ModelServer default", "DeploymentEnvironment one"]
    assert kinds(named) == ["ModelServer default", "DeploymentEnvironment two"]
    assert documents(usual)[1]["spec"]["rasa"] == {"version": "2.8.34"}
    assert usual.exit_code == ExitCode.DONE


def test_a_bad_env_file_ends_the_import_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text("services: {a: {image: 'rasa/rasa:2.8.34-full'}}")
    (tmp_path / ".env").write_text("A=1\nTOKEN='hunter2\n")

    ran = command(f"import {file}")

    assert ran.exit_code == ExitCode.FAILED
    assert ran.errors.startswith(f"error: {tmp_path / '.env'}:2: the value begins with '")
    assert "hunter2" not in ran.errors


def test_env_files_are_for_docker_compose(tmp_path: Path) -> None:
    ran = command(f"import - --env-file {tmp_path / 'a.env'}", stdin=VALUES)

    assert (ran.exit_code, ran.output) == (ExitCode.FAILED, "")
    assert ran.errors == "error: --env-file is for docker-compose files, and this is none: leave it out\n"
