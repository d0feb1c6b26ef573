"""`upload`: to this project's model server, with the settings of ModelServer and Secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Team
from .model_servers import model_file, model_server


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a model server on an empty directory."""
    with model_server(tmp_path_factory.mktemp("models")) as url:
        yield url


def prepare(team: Team, url: str, **secret: str) -> None:
    """A ModelServer and its Secret."""
    team.create("ModelServer", "default", {"url": url, "credentialsSecretRef": {"name": "credentials"}})
    if secret:
        team.create_secret("credentials", secret)


def test_a_file_is_uploaded_with_the_credentials_of_the_secret(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, token="pull", apiToken="write\n")

    ran = team.run(f"upload {model_file(tmp_path, 'first')}")

    assert ran.exit_code == 0, ran.errors
    assert ran.errors.startswith("uploading first.tar.gz (")
    assert ran.output == "first is uploaded; promote it: kubectl rasa promote first ENVIRONMENT\n"


def test_another_address_can_be_named(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, "http://models.in.the.cluster.invalid", apiToken="write")

    ran = team.run(f"upload {model_file(tmp_path, 'second')} --url {url}")

    assert ran.exit_code == 0, ran.errors


def test_an_address_of_the_cluster_that_is_not_reached_says_what_to_do(team: Team, tmp_path: Path) -> None:
    prepare(team, "http://models.invalid:5002", apiToken="write")

    ran = team.run(f"upload {model_file(tmp_path, 'third')}")

    assert ran.exit_code == 1
    assert "the host name models.invalid is not known" in ran.errors
    assert "or forward its port (kubectl port-forward), and name the address by --url" in ran.errors


def test_a_missing_secret_is_named(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url)

    ran = team.run(f"upload {model_file(tmp_path, 'fourth')}")

    assert ran.exit_code == 4
    assert f"Secret {team.namespace}/credentials of credentialsSecretRef not found" in ran.errors


def test_a_secret_that_cannot_write_is_told(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, token="pull")

    ran = team.run(f"upload {model_file(tmp_path, 'fifth')}")

    assert ran.exit_code == 1
    assert "takes no tags or models without credentials; add `apiToken`, or `username` and" in ran.errors


def test_a_wrong_token_is_told_and_not_shown(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, apiToken="a-wrong-token")

    ran = team.run(f"upload {model_file(tmp_path, 'sixth')}")

    assert ran.exit_code == 3
    assert "it does not accept the credentials" in ran.errors
    assert "a-wrong-token" not in ran.errors + ran.output


def test_a_missing_model_server_comes_with_those_that_are(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, apiToken="write")

    ran = team.run(f"upload {model_file(tmp_path, 'seventh')} --model-server other")

    assert ran.exit_code == 4
    assert f"ModelServer other not found in namespace {team.namespace} (found: default)" in ran.errors


def test_a_file_that_is_no_model_is_told(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, apiToken="write")
    file = tmp_path / "no-model.tar.gz"
    file.write_text("no gzip")

    ran = team.run(f"upload {file}")

    assert ran.exit_code == 3
    assert "refuses no-model.tar.gz" in ran.errors


def test_a_file_that_is_not_there_is_a_usage_error(team: Team) -> None:
    assert team.run("upload /no/such/file.tar.gz").exit_code == 2
