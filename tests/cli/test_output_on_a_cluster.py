"""JSON, YAML and names of each command that shows something, on a real API server."""

from __future__ import annotations

import json

import yaml

from .conftest import Team

ENTRIES = [
    {"model": "B", "hash": "b", "taggedTime": "2026-01-03T12:00:00Z", "promotedBy": "carol", "cause": "Promotion"},
    {"model": "A", "hash": "a", "taggedTime": "2026-01-02T12:00:00Z"},
]
VERIFIED = {
    "name": "B",
    "hash": "b",
    "stage": "Candidate",
    "conversationsDigest": "d",
    "result": "Succeeded",
    "startTime": "2026-01-03T11:00:00Z",
    "completionTime": "2026-01-03T11:01:00Z",
}


def test_the_status_of_objects_is_for_programs_too(team: Team) -> None:
    team.create("ModelTag", "live", {"model": "B", "tag": "production"})

    as_json, as_yaml, names = (team.run(f"status -o {output}") for output in ("json", "yaml", "name"))

    assert [row["name"] for row in json.loads(as_json.output)["environments"]] == ["production"]
    assert yaml.safe_load(as_yaml.output) == json.loads(as_json.output)
    assert names.output.splitlines() == [
        "deploymentenvironment.rasa-environments.io/production",
        "modeltag.rasa-environments.io/live",
    ]


def test_a_history_has_the_fields_of_the_api(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report("ModelTag", "production", {"history": ENTRIES})

    as_json, as_yaml, names = (team.run(f"history production -o {output}") for output in ("json", "yaml", "name"))

    assert json.loads(as_json.output) == yaml.safe_load(as_yaml.output) == ENTRIES
    assert names.output == "B\nA\n"


def test_a_verification_has_the_fields_of_the_api(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report("ModelTag", "production", {"verifications": [VERIFIED]})

    as_json, as_yaml, names = (team.run(f"verification production -o {output}") for output in ("json", "yaml", "name"))

    assert json.loads(as_json.output) == yaml.safe_load(as_yaml.output)
    assert json.loads(as_json.output).items() >= {**VERIFIED, "tag": "production"}.items()
    assert names.output == "B\n"


def test_a_permission_is_answered_for_programs(team: Team) -> None:
    as_json, as_yaml, names = (team.run(f"can-promote production -o {output}") for output in ("json", "yaml", "name"))

    answer = json.loads(as_json.output)
    assert (as_json.exit_code, answer["allowed"], set(answer)) == (0, True, {"allowed", "reason", "user"})
    assert yaml.safe_load(as_yaml.output) == answer
    assert names.output == "deploymentenvironment.rasa-environments.io/production\n"


def test_what_is_not_known_is_no_answer_for_programs_either(team: Team) -> None:
    ran = team.run("can-promote production -o json --as nobody")

    assert (ran.exit_code, ran.output) == (6, "")
