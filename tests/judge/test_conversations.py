"""Where conversations are kept, and what that means for users."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.judge.conversations import ELSEWHERE, conversations_of, conversations_persisted

SQL = {"trackerStore": {"sql": {"host": "db"}}}
LOCK = {"lockStore": {"redis": {"host": "redis"}}}
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("one server in memory", {}, "False", "InMemory"),
    ("one server with a tracker store", SQL, "True", "Persisted"),
    ("two servers in memory", {"replicas": 2}, "False", "NotShared"),
    ("two servers in memory with locks", {"replicas": 2, **LOCK}, "False", "NotShared"),
    ("two servers without locks", {"replicas": 2, **SQL}, "False", "NoLockStore"),
    ("two servers that share both", {"replicas": 2, **SQL, **LOCK}, "True", "Persisted"),
    ("two workers without locks", {"rasa": {"workers": 2}, **SQL}, "False", "NoLockStore"),
    ("an autoscaler of several", {"autoscaling": {"maxReplicas": 3}, **SQL}, "False", "NoLockStore"),
    ("an autoscaler of one", {"replicas": 5, "autoscaling": {"maxReplicas": 1}, **SQL}, "True", "Persisted"),
    ("a free-form store", {"endpoints": {"tracker_store": {"type": "mongod"}}}, "True", "Persisted"),
    ("a free-form store in memory", {"endpoints": {"tracker_store": {"type": "InMemoryTrackerStore"}}, **SQL}, "False",
     "InMemory"),
    ("a free-form store without a type", {"endpoints": {"tracker_store": {}}}, "False", "InMemory"),
    ("free-form locks in memory", {"replicas": 2, "endpoints": {"lock_store": {"type": "in_memory"}}, **SQL}, "False",
     "NoLockStore"),
]  # fmt: skip


def server(profile: str = "OpenSource") -> ModelServer:
    """A ModelServer of that profile."""
    metadata = {"name": "default", "namespace": "bots"}
    return ModelServer.model_validate({"metadata": metadata, "spec": {"url": "http://models", "profile": profile}})


@pytest.mark.parametrize(("spec", "status", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_keeps_conversations_is_reported(spec: dict[str, Any], status: str, reason: str) -> None:
    told = conversations_persisted(conversations_of(EnvironmentSpec.model_validate(spec), server()))

    assert (told.status, told.reason) == (status, reason)


def test_what_rasa_x_configures_is_not_known_here() -> None:
    conversations = conversations_of(EnvironmentSpec.model_validate(SQL), server("RasaX-0.32"))

    told = conversations_persisted(conversations)

    assert conversations == ELSEWHERE
    assert (told.status, told.reason) == ("Unknown", "ConfiguredElsewhere")


def test_a_problem_says_how_many_servers_there_are_and_what_to_set() -> None:
    spec = EnvironmentSpec.model_validate({"replicas": 2, "rasa": {"workers": 3}})

    told = conversations_persisted(conversations_of(spec, server()))

    assert told.message.startswith("6 servers each keep")
    assert told.message.endswith("set spec.trackerStore and spec.lockStore")
