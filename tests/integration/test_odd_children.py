"""Children and pods of any depth and size are corrected like others, and delay nobody."""

from __future__ import annotations

import json

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.manifests import environment
from tests.integration.space import MERGE_PATCH, Space

PART_OF = "app.kubernetes.io/part-of"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
WITHOUT_OBJECTS = {"includeObject": "None"}
LABELS = {"app.kubernetes.io/managed-by": "rasa-environments"}


def managed_fields(levels: int) -> str:
    """Return an entry for a manager of a field this many levels below the object."""
    entry = {"manager": "odd", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": "HERE"}
    fields = '{"f:data":' * levels + "{}" + "}" * levels
    return json.dumps([entry]).replace('"HERE"', fields)


def rows(space: Space, kind: str, part_of: str) -> int:
    """How many children of production have that label; the objects themselves are too deep for Python's reader."""
    selectors = {"labelSelector": f"{PART_OF}={part_of}", "fieldSelector": "metadata.name=production-rasa"}
    answer = space.api.request(
        "GET", space.path(kind), params={**WITHOUT_OBJECTS, **selectors}, headers={"Accept": TABLE}
    )
    return len(answer.body["rows"] or ())


@pytest.mark.parametrize("kind", ["ConfigMap", "Deployment"])
@pytest.mark.parametrize("levels", [270, 1500])
def test_a_child_with_deeply_nested_managed_fields_is_restored(space: Space, kind: str, levels: int) -> None:
    space.apply(environment())
    space.wait_until_ready()
    metadata = f'{{"labels": {{"{PART_OF}": "odd"}}, "managedFields": {managed_fields(levels)}}}'

    answer = space.api.request(
        "PATCH",
        space.path(kind, "production-rasa"),
        content=f'{{"metadata": {metadata}}}'.encode(),
        params=WITHOUT_OBJECTS,
        headers={**MERGE_PATCH, "Accept": TABLE},
    )

    assert answer.accepted, answer.body["message"]
    space.eventually(lambda: rows(space, kind, "rasa-environments") == 1, f"the {kind} to be put right")


def test_a_foreign_object_in_a_childs_place_is_reported_and_its_end_is_noticed(space: Space) -> None:
    foreign: JsonObject = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "production-rasa", "labels": LABELS},
        "data": {"text": "x" * 900_000},
    }
    space.apply(foreign, environment())
    space.wait_for_condition("DeploymentEnvironment", "production", "Ready", reason="NameConflict")

    space.delete("ConfigMap", "production-rasa")
    space.wait_until_ready()


def test_a_child_that_somebody_makes_large_is_restored(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    space.patch("ConfigMap", "production-rasa", {"data": {"endpoints.yml": "x" * 900_000}})

    space.eventually(lambda: "xxx" not in space.child("ConfigMap")["data"]["endpoints.yml"], "the file to be put right")
