"""`--dry-run` of every command that changes something, and the objects that they print, on a real API server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.writing import patched

from .conftest import Ran, Team
from .model_servers import model_file, model_server
from .test_upload import prepare

B = {"name": "B", "hash": "b"}
EMPTY_ARCHIVE = gzip.compress(bytes(10240))
CHANGES = {
    "promote": "promote C production --no-wait",
    "rollback": "rollback production --no-wait",
    "approve": "approve production",
    "resume": "resume production",
    "retry": "retry production",
    "freeze": "freeze --reason holidays",
}


@pytest.fixture
def changeable(team: Team) -> Team:
    """A namespace in which each of the commands has something to change."""
    team.create("ModelServer", "default", {"url": "http://models.invalid"})
    spec: JsonObject = {"model": "B", "promoteFrom": {"tag": "staging", "soakSeconds": 60, "approvals": 1}}
    team.create("ModelTag", "production", spec)
    rejected = {**B, "reason": "VerificationFailed", "message": "too late", "rejectedTime": "2026-01-01T12:00:00Z"}
    status = {
        "taggedModel": B,
        "previousModel": {"name": "A", "hash": "a"},
        "candidateModel": {"name": "C", "hash": "c"},
    }
    team.report("ModelTag", "production", {**status, "rejected": [rejected]})
    return team


def kind_of(name: str) -> str:
    """The kind of object that a command changes."""
    return "ModelServer" if name == "freeze" else "ModelTag"


def stored(team: Team, name: str) -> JsonObject:
    """The object that a command changes, without who wrote which field."""
    found = team.get(kind_of(name), "default" if name == "freeze" else "production")
    del found["metadata"]["managedFields"]
    return found


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(("mode", "suffix"), [("client", " (dry run)"), ("server", " (server dry run)")])
def test_a_dry_run_changes_nothing_and_says_so(changeable: Team, name: str, mode: str, suffix: str) -> None:
    before = stored(changeable, name)

    ran = changeable.run(f"{CHANGES[name]} --dry-run={mode}")

    assert ran.exit_code == 0, ran.errors
    assert ran.output.splitlines()[-1].endswith(suffix)
    assert stored(changeable, name) == before


@pytest.mark.parametrize("name", CHANGES)
def test_a_dry_run_in_the_client_prints_what_would_be_sent(changeable: Team, name: str) -> None:
    request = changeable.run(f"{CHANGES[name]} --dry-run=client").output.splitlines()[0]

    method, path, body = request.split(" ", 2)
    assert method == "PATCH"
    assert path == changeable.path(kind_of(name), "default" if name == "freeze" else "production")
    assert json.loads(body)


@pytest.mark.parametrize("name", CHANGES)
def test_each_way_prints_the_object_for_programs(changeable: Team, name: str) -> None:
    before = stored(changeable, name)
    expected = (
        "modelserver.rasa-environments.io/default" if name == "freeze" else "modeltag.rasa-environments.io/production"
    )

    rehearsed = [changeable.run(f"{CHANGES[name]} -o json --dry-run={mode}") for mode in ("client", "server")]
    named = changeable.run(f"{CHANGES[name]} -o name --dry-run=client")
    ran = changeable.run(f"{CHANGES[name]} -o yaml")

    changed = [json.loads(each.output) for each in rehearsed]
    assert yaml.safe_load(ran.output) == stored(changeable, name)
    assert all(
        (each["kind"], each["metadata"]["uid"]) == (before["kind"], before["metadata"]["uid"]) for each in changed
    )
    assert all(without_times(each) == without_times(stored(changeable, name)) for each in changed)
    assert named.output == f"{expected}\n"
    assert ran.errors


def without_times(obj: JsonObject) -> JsonObject:
    """The spec, and which annotations there are, of which one has the time of the request."""
    return {"spec": obj["spec"], "annotations": sorted(obj["metadata"].get("annotations", {}))}


def test_a_first_promotion_can_be_rehearsed(team: Team) -> None:
    client, server = (team.run(f"promote B production --dry-run={mode} -o json") for mode in ("client", "server"))

    assert [json.loads(ran.output)["spec"]["model"] for ran in (client, server)] == ["B", "B"]
    assert "uid" not in json.loads(client.output)["metadata"]
    assert not team.api.request("GET", team.path("ModelTag", "production")).accepted


def test_what_admission_refuses_is_refused_in_a_server_dry_run_alone(team: Team) -> None:
    until = "freeze --reason x --until tomorrow"
    team.create("ModelServer", "default", {"url": "http://models.invalid"})

    client, server = (team.run(f"{until} --dry-run={mode}") for mode in ("client", "server"))

    assert (client.exit_code, server.exit_code) == (0, 3)
    assert "endTime" in server.errors


def test_a_promotion_that_is_not_served_in_time_still_prints_its_model_tag(team: Team) -> None:
    ran = team.run("promote B production --timeout 2s -o json")

    assert ran.exit_code == 6
    assert json.loads(ran.output)["spec"]["model"] == "B"
    assert "(ModelTag" in ran.errors.splitlines()[0]


@pytest.mark.parametrize(
    ("obj", "change", "result"),
    [
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({}, {"a": {"b": None}}, {"a": {}}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_a_merge_patch_is_applied_as_by_the_api_server(obj: JsonObject, change: JsonObject, result: JsonObject) -> None:
    assert patched(obj, change) == result


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a model server on an empty directory."""
    with model_server(tmp_path_factory.mktemp("models")) as url:
        yield url


def rehearse(team: Team, file: Path, mode: str) -> Ran:
    """Upload a file in a dry run."""
    return team.run(f"upload {file} --dry-run={mode}")


@pytest.mark.parametrize(("mode", "suffix"), [("client", "(dry run)"), ("server", "(server dry run)")])
def test_an_upload_can_be_rehearsed(team: Team, url: str, tmp_path: Path, mode: str, suffix: str) -> None:
    prepare(team, url, token="pull", apiToken="write")
    file = model_file(tmp_path, "first")

    ran = rehearse(team, file, mode)

    assert ran.exit_code == 0, ran.errors
    assert ran.output == f"POST {url}/api/projects/default/models: first ({file.stat().st_size} bytes) {suffix}\n"
    assert json.loads(team.run("models -o json").output) == []


def test_a_rehearsal_finds_that_the_credentials_are_not_accepted(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, apiToken="a-wrong-token")

    ran = rehearse(team, model_file(tmp_path, "second"), "server")

    assert ran.exit_code == 3
    assert "it does not accept the credentials" in ran.errors


def test_a_rehearsal_finds_that_the_name_is_taken(team: Team, url: str, tmp_path: Path) -> None:
    prepare(team, url, token="pull", apiToken="write")
    file = model_file(tmp_path, "third")
    uploaded = team.run(f"upload {file} -o json")

    ran = rehearse(team, file, "server")

    assert json.loads(uploaded.output) == {"name": "third", "size": file.stat().st_size}
    assert ran.exit_code == 3
    assert "already has a model third" in ran.errors


@pytest.mark.parametrize("content", ["truncated", "no gzip", "nothing inside"])
def test_a_rehearsal_finds_a_file_that_is_no_model(team: Team, url: str, tmp_path: Path, content: str) -> None:
    prepare(team, url, apiToken="write")
    file = model_file(tmp_path, "fourth")
    whole = file.read_bytes()
    file.write_bytes({"truncated": whole[:-20], "no gzip": b"no gzip", "nothing inside": EMPTY_ARCHIVE}[content])

    ran = rehearse(team, file, "client")

    assert ran.exit_code == 3
    assert "is no model (" in ran.errors
