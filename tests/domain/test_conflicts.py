"""What two environments must not share, across namespaces and by generation, and the message for the newer one."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.domain.checks import usable_server
from rasa_environments.domain.conflicts import WAYS_OUT, problem_of
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Conflict, Lister
from tests.reconcile.objects import environment, server

DEFAULT = ObjectKey("bots", "default")
QUEUE: JsonObject = {"eventBroker": {"rabbitmq": {"host": "rabbit", "queues": ["other", "shared"]}}}
SAME_QUEUE: JsonObject = {"eventBroker": {"rabbitmq": {"host": "rabbit", "queues": ["shared"]}}}
DATABASE: JsonObject = {"trackerStore": {"sql": {"host": "db", "database": "shared"}}}
REDIS: JsonObject = {"trackerStore": {"redis": {"host": "redis"}}}
PROFILES = ("RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0", "OpenSource", "RasaPro")


def guest(name: str, age: int, **spec: Any) -> DeploymentEnvironment:
    """An environment of another namespace."""
    return environment(name, namespace="guests", age=age, modelServerRef={"namespace": "bots"}, **spec)


def lister_of(*environments: DeploymentEnvironment, profile: str = "RasaX-0.2", **spec: Any) -> Lister:
    """A lister with a server that guests may use, too."""
    lister = Lister()
    lister.servers.put(server(profile=profile, accessFrom={"namespaces": ["guests"]}, **spec))
    for each in environments:
        lister.environments.put(each)
    return lister


def problem_with(environment: DeploymentEnvironment, lister: Lister) -> Problem:
    """Why nothing is made for an environment."""
    found = usable_server(environment, lister)
    assert isinstance(found, Problem)
    return found


SHARED = [
    ({"environment": "bot"}, {"environment": "bot"}, "EnvironmentConflict", "RASA_ENVIRONMENT bot"),
    ({"tag": "live"}, {"tag": "live"}, "TagConflict", "tag live"),
    (QUEUE, SAME_QUEUE, "QueueConflict", "queue shared on rabbit"),
    (DATABASE, DATABASE, "DatabaseConflict", "database shared on db"),
    (REDIS, REDIS, "DatabaseConflict", "database 0 on redis"),
]


@pytest.mark.parametrize(("old", "young", "reason", "what"), SHARED)
def test_the_newer_of_two_with_one_thing_is_refused_with_the_older_named(
    old: JsonObject, young: JsonObject, reason: str, what: str
) -> None:
    older, newer = guest("a", 2, **old), environment("b", age=1, **young)
    lister = lister_of(older, newer)

    conflict = lister.conflict(newer)

    assert conflict is not None
    assert (conflict.environment, conflict.reason, conflict.what) == (older, reason, what)
    assert lister.conflict(older) is None
    assert lister.eligible_environments(DEFAULT) == (older,)


@pytest.mark.parametrize(("old", "young", "reason", "what"), SHARED)
def test_what_is_reported_names_both_and_the_way_out(
    old: JsonObject, young: JsonObject, reason: str, what: str
) -> None:
    older, newer = guest("a", 2, **old), environment("b", age=1, **young)
    lister = lister_of(older, newer)

    problem = problem_with(newer, lister)

    assert problem.reason == reason
    assert problem.message.startswith(f"{what} is already used by environment guests/a on the same ModelServer: ")
    assert problem.stalled
    assert usable_server(older, lister) == lister.servers.get(DEFAULT)


def test_each_conflict_has_a_way_out_of_its_own() -> None:
    older = environment("a")

    messages = {problem_of(Conflict(older, reason, "it"), older).message for reason in WAYS_OUT}

    assert len(messages) == len(WAYS_OUT) == len({row[2] for row in SHARED}) + 1


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("shared", [SAME_QUEUE, DATABASE])
def test_only_rasa_x_0_2_wants_queues_and_databases_apart(profile: str, shared: JsonObject) -> None:
    older, newer = environment("a", age=2, **shared), environment("b", age=1, **shared)

    assert (lister_of(older, newer, profile=profile).conflict(newer) is not None) is (profile == "RasaX-0.2")


@pytest.mark.parametrize("profile", PROFILES)
def test_environments_that_say_nothing_of_stores_share_nothing(profile: str) -> None:
    older, newer = environment("a", age=2), environment("b", age=1)

    assert lister_of(older, newer, profile=profile).conflict(newer) is None


def test_a_queue_that_the_server_gives_to_all_is_a_conflict_of_the_second() -> None:
    older, newer = environment("a", age=2), environment("b", age=1)

    lister = lister_of(older, newer, defaults=SAME_QUEUE)

    assert lister.conflict(older) is None
    assert lister.conflict(newer) == Conflict(older, Reason.QUEUE_CONFLICT, "queue shared on rabbit")


def test_the_same_name_on_another_host_is_another_thing() -> None:
    other: JsonObject = {"eventBroker": {"rabbitmq": {"host": "other-rabbit", "queues": ["shared"]}}}

    lister = lister_of(environment("a", age=2, **SAME_QUEUE), newer := environment("b", age=1, **other))

    assert lister.conflict(newer) is None


def test_when_the_older_one_is_gone_the_newer_one_is_free() -> None:
    older, newer = environment("a", age=2, **DATABASE), environment("b", age=1, **DATABASE)
    lister = lister_of(older, newer)

    lister.environments.remove(older.metadata.key)

    assert lister.conflict(newer) is None


def test_with_rasa_enterprise_a_tag_that_is_not_the_name_is_refused_even_for_a_server_that_runs_elsewhere() -> None:
    elsewhere = {
        "url": "https://rasa.example.com",
        "authToken": {"secretKeyRef": {"name": "elsewhere", "key": "token"}},
    }
    wrong = environment("development", tag="live", external=elsewhere)
    lister = lister_of(wrong, profile="RasaEnterprise-1.0")

    problem = problem_with(wrong, lister)

    assert problem.reason == "InvalidSpec"
    assert problem.message.startswith("spec.tag live is not the environment's name development")


def test_a_missing_or_closed_server_is_reported_first() -> None:
    stranger = environment("a", namespace="strangers", modelServerRef={"namespace": "bots"})
    lister = lister_of(stranger)

    assert problem_with(stranger, lister).reason == "RefNotPermitted"

    lister.servers.remove(DEFAULT)

    assert problem_with(stranger, lister).reason == "ModelServerNotFound"
