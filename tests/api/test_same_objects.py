"""pydantic and the CRDs accept and refuse the same objects."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rasa_environments.api.base import JsonObject
from rasa_environments.api.crd import RESOURCES, Resource, schema
from tests.api.api_server import ApiServer
from tests.api.objects import MODELS, an_object
from tests.api.schema_strategies import objects

GOOD_NAMES = st.sampled_from(["a", "production", "a-1", "a" * 58])
NAMES = st.one_of(*[GOOD_NAMES] * 4, st.sampled_from(["1st", "a.b", "a" * 59, "a" * 63, "a" * 64]))


def accepted_by_pydantic(manifest: JsonObject) -> bool:
    try:
        MODELS[manifest["kind"]].model_validate(manifest)
    except ValidationError:
        return False
    return True


def manifests(resource: Resource) -> st.SearchStrategy[JsonObject]:
    return st.builds(an_object, st.just(resource.kind), objects(schema(resource)["properties"]["spec"]), NAMES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_any_object_is_accepted_by_both_or_by_neither(api: ApiServer, resource: Resource) -> None:
    fields = schema(resource)["properties"]["spec"]["properties"]
    accepted: list[bool] = []
    drawn: set[str] = set()

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(manifests(resource))
    def compare(manifest: JsonObject) -> None:
        answer = api.create(manifest)
        assert answer.accepted == accepted_by_pydantic(manifest), answer.body.get("message", "accepted")
        accepted.append(answer.accepted)
        drawn.update(manifest["spec"] if isinstance(manifest["spec"], dict) else ())

    compare()
    assert 0.1 < sum(accepted) / len(accepted) < 0.9, "both answers must be common, or this compares nothing"
    assert fields.keys() <= drawn
