"""The CRDs, as templates of the chart."""

from __future__ import annotations

import pytest

from rasa_environments.api.crd import RESOURCES, Resource, definition
from tests.helm.rendering import render

KIND = "CustomResourceDefinition"
KEEP = {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_a_definition_is_that_of_the_models_and_outlives_the_release(resource: Resource) -> None:
    wanted = definition(resource)

    made = render().one(KIND, wanted["metadata"]["name"])

    assert made["spec"] == wanted["spec"]
    assert made["metadata"]["annotations"] == KEEP


def test_definitions_can_go_with_the_release() -> None:
    release = render({"crds": {"keep": False}})

    assert len(release.names(KIND)) == len(RESOURCES)
    assert all("annotations" not in obj["metadata"] for obj in release.objects if obj["kind"] == KIND)


def test_definitions_can_be_left_to_somebody_else() -> None:
    assert render({"crds": {"install": False}}).names(KIND) == set()


def test_a_release_without_the_operator_brings_them_on_request() -> None:
    values = {"operator": {"enabled": False}, "crds": {"install": True}}

    assert render(values).kinds() == {KIND}
