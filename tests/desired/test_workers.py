"""The number of worker processes of a pod's Rasa server, according to its variables."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import Context
from rasa_environments.desired.workers import workers
from tests.desired.contexts import context

REDIS = {"redis": {"host": "redis"}}
FROM_A_SECRET = {"valueFrom": {"secretKeyRef": {"name": "settings", "key": "workers"}}}


def spec(entry: dict[str, Any] | None, container: str = "rasa", **fields: Any) -> Context:
    """An environment whose podTemplate sets SANIC_WORKERS so."""
    return context({"podTemplate": with_workers(entry, container), **fields})


def with_workers(entry: dict[str, Any] | None, container: str = "rasa") -> JsonObject:
    """A podTemplate that sets SANIC_WORKERS so."""
    env = [] if entry is None else [{"name": "SANIC_WORKERS", **entry}]
    return {"spec": {"containers": [{"name": container, "env": env}]}}


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


def test_the_variable_of_the_defaults_counts_too() -> None:
    defaults = {"podTemplate": with_workers({"value": "4"}), "lockStore": REDIS}

    assert workers(context({}, defaults=defaults)) == 4
    assert workers(context({"podTemplate": with_workers({"value": "2"})}, defaults=defaults)) == 2
    assert workers(context({"ignoreDefaults": ["podTemplate"]}, defaults=defaults)) == 1


def test_a_variable_that_is_removed_does_not_count() -> None:
    removed = {"spec": {"containers": [{"name": "rasa", "env": [{"name": "SANIC_WORKERS", "$patch": "delete"}]}]}}

    assert workers(context({"podTemplate": removed, "rasa": {"workers": 3}, "lockStore": REDIS})) == 1
