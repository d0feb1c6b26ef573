"""When two contexts make the same objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.desired.context import Context
from tests.desired.contexts import children_by_kind, context

SPEC: JsonObject = {"rasa": {"version": "3.6.21"}}


def with_status(of: Context) -> Context:
    """The same environment, in a later version with a status."""
    environment = of.environment
    metadata = environment.metadata.model_copy(update={"resource_version": "7", "generation": 3})
    status = EnvironmentStatus(url="http://elsewhere", tag="another")
    return replace(of, environment=environment.model_copy(update={"metadata": metadata, "status": status}))


def test_a_status_changes_no_object() -> None:
    before = context(SPEC)

    assert before.makes_the_same_as(with_status(before))
    assert children_by_kind(before) == children_by_kind(with_status(before))


@pytest.mark.parametrize(
    "other",
    [
        context({**SPEC, "replicas": 2}),
        context(SPEC, name="production"),
        context(SPEC, defaults={"replicas": 2}),
        context(SPEC, server={"project": "another"}),
        context(SPEC, server_namespace="elsewhere"),
        context(SPEC, secret_values={"RASA_TOKEN": "another"}),
        context(SPEC, model_hash="0f"),
        context(SPEC, salt="another"),
        context(SPEC, operator_pods=None),
    ],
    ids=["spec", "name", "defaults", "server", "namespace", "value", "model", "salt", "operator"],
)
def test_anything_else_may_change_one(other: Context) -> None:
    assert not context(SPEC).makes_the_same_as(other)
