"""No object ends a watch or the operator: an unusable one is rejected, and reports that."""

from __future__ import annotations

import json

import pytest

from tests.integration.manifests import environment
from tests.integration.space import ENVIRONMENT, MERGE_PATCH, Space


def nested(levels: int, *, as_map: bool) -> str:
    """JSON of so many levels: of maps, whose keys metadata.managedFields repeats, or of lists."""
    return '{"a":' * levels + "1" + "}" * levels if as_map else "[" * levels + "]" * levels


def with_endpoint(name: str, value: str) -> bytes:
    """Return a manifest with that JSON in a free-form field; Python's own encoder has a limit, too."""
    manifest = json.dumps(environment(name, endpoints={"x": "HERE"}))
    return manifest.replace('"HERE"', value).encode()


UNUSABLE = {
    "maps": (with_endpoint("maps", nested(9000, as_map=True)), "spec: is nested more than 100 levels deep"),
    "lists": (with_endpoint("lists", nested(1500, as_map=False)), "spec: is nested more than 100 levels deep"),
    "megabyte": (
        json.dumps(environment("megabyte", endpoints={f"k{number}": "x" * 40 for number in range(15_000)})).encode(),
        "the object has more than 512 KiB as JSON",
    ),
    "wide": (with_endpoint("wide", json.dumps("x" * 70_000)), "spec: has 69 KiB as JSON, but may have at most 64"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_object_says_so_and_stops_nobody(name: str, space: Space, another_space: Space) -> None:
    content, message = UNUSABLE[name]

    headers = {"Content-Type": "application/json"}
    assert space.api.request("POST", space.path(ENVIRONMENT), content=content, headers=headers).accepted
    space.apply(environment())

    space.wait_until_ready()
    condition = space.wait_for_condition(ENVIRONMENT, name, "Stalled", status="True", reason="InvalidSpec")
    assert condition["message"].startswith(message)
    assert space.find_child("Deployment", name) is None


def test_the_last_valid_version_stays_in_force_until_there_is_another(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    change = f'{{"spec":{{"endpoints":{{"x":{nested(150, as_map=True)}}},"replicas":3}}}}'.encode()

    path = space.path(ENVIRONMENT, "production")
    assert space.api.request("PATCH", path, content=change, headers=MERGE_PATCH).accepted
    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="InvalidSpec")
    space.patch("Deployment", "production-rasa", {"spec": {"replicas": 2}})
    space.eventually(lambda: space.child("Deployment")["spec"]["replicas"] == 1, "the Deployment to have one replica")
    assert space.condition(ENVIRONMENT, "production", "Ready")["reason"] == "InvalidSpec"  # type: ignore[index]

    space.patch(ENVIRONMENT, "production", {"spec": {"endpoints": None}})
    space.eventually(lambda: space.child("Deployment")["spec"]["replicas"] == 3, "three replicas")
    space.wait_until_ready()
