"""How many worker processes a pod's Rasa server has, as its variables say."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.desired.workers import workers

REDIS = {"redis": {"host": "redis"}}
FROM_A_SECRET = {"valueFrom": {"secretKeyRef": {"name": "settings", "key": "workers"}}}


def spec(entry: dict[str, Any] | None, container: str = "rasa", **fields: Any) -> EnvironmentSpec:
    """A spec whose podTemplate sets SANIC_WORKERS so."""
    env = [] if entry is None else [{"name": "SANIC_WORKERS", **entry}]
    template = {"spec": {"containers": [{"name": container, "env": env}]}}
    return EnvironmentSpec.model_validate({"podTemplate": template, **fields})


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        ({"value": "4"}, 4),
        ({"value": " 4 "}, 4),
        ({"value": "1"}, 1),
        ({"value": "0"}, 1),
        ({"value": "-3"}, 1),
        ({"value": "many"}, 1),
        ({}, 1),
        (None, 1),
        (FROM_A_SECRET, None),
    ],
)
def test_it_is_read_as_rasa_reads_it(entry: dict[str, Any] | None, number: int | None) -> None:
    assert workers(spec(entry, lockStore=REDIS)) == number


def test_without_a_shared_lock_store_rasa_has_one() -> None:
    assert workers(spec({"value": "4"})) == 1
    assert workers(spec({"value": "4"}, endpoints={"lock_store": {"type": "in_memory"}})) == 1
    assert workers(spec({"value": "4"}, endpoints={"lock_store": {"type": "concurrent_redis"}})) == 4


def test_the_field_says_it_unless_a_variable_does() -> None:
    assert workers(spec(None, rasa={"workers": 3}, lockStore=REDIS)) == 3
    assert workers(spec({"value": "4"}, rasa={"workers": 3}, lockStore=REDIS)) == 4
    assert workers(spec(None, rasa={"workers": 3})) == 1


def test_the_variable_of_another_container_is_another() -> None:
    assert workers(spec({"value": "4"}, container="sidecar", lockStore=REDIS)) == 1
