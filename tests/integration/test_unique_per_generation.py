"""What environments of one server must not share, by the generation of the server."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import Space

RASA_1: JsonObject = {"rasa": {"version": "1.10.26"}}
RABBITMQ: JsonObject = {"rabbitmq": {"host": "rabbit", "queues": ["shared"]}}
DATABASE: JsonObject = {"sql": {"host": "db", "database": "shared"}}
REDIS: JsonObject = {"redis": {"host": "redis", "database": 3}}


QUEUE_TAKEN = (
    "queue shared on rabbit is already used by environment {}/a on the same ModelServer: Rasa X files the events of "
    "a queue under one environment; set another queue in spec.eventBroker.rabbitmq.queues, or leave it out"
)
DATABASE_TAKEN = (
    "database shared on db is already used by environment {}/a on the same ModelServer: their conversations would "
    "mix; set another database in spec.trackerStore"
)


@pytest.mark.parametrize(
    ("spec", "reason", "message"),
    [
        ({"eventBroker": RABBITMQ}, "QueueConflict", QUEUE_TAKEN),
        ({"trackerStore": DATABASE}, "DatabaseConflict", DATABASE_TAKEN),
        ({"trackerStore": REDIS}, "DatabaseConflict", DATABASE_TAKEN.replace("shared on db", "3 on redis")),
    ],
    ids=["queue", "SQL database", "Redis database"],
)
def test_the_newer_of_two_environments_of_rasa_x_0_2_with_one_queue_or_database_is_refused_across_namespaces(
    empty_space: Space,
    another_space: Space,
    model_server: ModelServerProcess,
    spec: JsonObject,
    reason: str,
    message: str,
) -> None:
    # Of two that were made in one second, the one whose namespace and name sort first counts as the older.
    first, second = sorted((empty_space, another_space), key=lambda space: space.namespace)
    furnish(first, model_server, profile="RasaX-0.2", accessFrom={"namespaces": [second.namespace]})
    reference = {"namespace": first.namespace}
    first.apply(environment("a", tag="staging", **RASA_1, **spec))
    first.wait_until_ready("a")

    second.apply(environment("b", tag="support", modelServerRef=reference, **RASA_1, **spec))

    second.wait_until_not_ready(reason, message.format(first.namespace), "b")
    assert second.find_child("Deployment", "b") is None
    second.apply(environment("b", tag="support", modelServerRef=reference, **RASA_1))
    second.wait_until_ready("b")


@pytest.mark.parametrize("profile", ["RasaX-0.32", "OpenSource"])
def test_later_generations_share_a_queue(empty_space: Space, model_server: ModelServerProcess, profile: str) -> None:
    furnish(empty_space, model_server, profile=profile)
    version = RASA_1 if profile == "RasaX-0.32" else {}

    empty_space.apply(
        environment("a", tag="staging", eventBroker=RABBITMQ, **version),
        environment("b", tag="support", eventBroker=RABBITMQ, **version),
    )

    empty_space.wait_until_ready("a", "b")


def test_with_rasa_enterprise_an_environment_has_no_tag_but_its_own(
    empty_space: Space, model_server: ModelServerProcess
) -> None:
    furnish(empty_space, model_server, profile="RasaEnterprise-1.0")

    empty_space.apply(environment("development", tag="staging"))

    empty_space.wait_until_not_ready(
        "InvalidSpec",
        "spec.tag staging is not the environment's name development: with the profile RasaEnterprise-1.0 they are one; "
        "leave spec.tag out, or name the environment staging",
        "development",
    )
