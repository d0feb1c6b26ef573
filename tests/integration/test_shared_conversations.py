"""Two replicas of real Rasa share each conversation: trackers in one database, locks in one Redis."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.api_server import ApiServer
from local.deployed_pod import deployed_pods
from local.rasa import RELEASES, RasaProcess
from local.services import PostgreSql, Redis
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, environment, model_server, secret, secret_value
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN
from tests.integration.real_environments import LISTENING_SECONDS, RealRasa, running_rasa_x
from tests.integration.space import ENVIRONMENT, Space

RELEASE = RELEASES["2.8.34"]
ENVIRONMENT_NAME = "team-chat"
PREFIX = "teamchat"
"""Of its keys in Redis: the environment's name in letters and digits."""
DATABASE = "rasa_team_chat"
STORES = "stores"


@dataclass(frozen=True)
class Replicas:
    """An environment with two servers."""

    space: Space
    redis: Redis
    servers: list[RealRasa]

    def tell(self, replica: int, sender: str, text: str) -> None:
        """Sends a message to one of the two, and waits for its answer."""
        url = f"{self.servers[replica].process.url}/webhooks/rest/webhook"
        answer = httpx.post(url, json={"sender": sender, "message": text}, timeout=60, trust_env=False)
        answer.raise_for_status()

    def conversation(self, replica: int, sender: str) -> list[tuple[str, str]]:
        """Who said what, in order, as one of the two has it."""
        url = f"{self.servers[replica].process.url}/conversations/{sender}/tracker"
        token = {"token": self.space.token(ENVIRONMENT_NAME)}
        events: list[dict[str, Any]] = httpx.get(url, params=token, timeout=60, trust_env=False).json()["events"]
        return [(event["event"], event["text"]) for event in events if event["event"] in ("user", "bot")]

    def clients_of_lock(self, sender: str) -> set[str]:
        """Which clients of Redis have taken the lock of a conversation."""
        key = f"{PREFIX}:lock:{sender}"
        return {command.client for command in self.redis.commands() if command.words[:2] == ["SET", key]}


@pytest.fixture(scope="module")
def replicas(
    shared: Installation,
    new_space: Callable[[], Space],
    rasa_2_8: Path,
    postgresql: PostgreSql,
    redis: Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Replicas]:
    space = new_space()
    with contextlib.ExitStack() as running, ApiServer(shared.facts.kubeconfig) as api:
        with postgresql.connect() as connection:
            connection.execute(f'CREATE DATABASE "{DATABASE}"'.encode())
        rasa_x = running.enter_context(running_rasa_x("ModelServer", tmp_path_factory.mktemp("models")))
        rasa_x.upload_samples(RELEASE)
        rasa_x.models.put_tag(MODEL_A, ENVIRONMENT_NAME)
        space.apply(
            secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
            secret(STORES, redis=redis.password, postgresql=postgresql.password),
            model_server(rasa_x.url),
            environment(ENVIRONMENT_NAME, rasa={"version": RELEASE.version}, replicas=2, **stores(postgresql, redis)),
        )
        space.wait_for_condition(ENVIRONMENT, ENVIRONMENT_NAME, "Reconciling", status="False")
        servers = [
            RealRasa(ENVIRONMENT_NAME, pod, address, running.enter_context(RasaProcess(rasa_2_8, pod, address)))
            for pod, address in deployed_pods(api, space.namespace, f"{ENVIRONMENT_NAME}-rasa")
        ]
        for server in servers:
            server.process.wait_until(server.is_listening, LISTENING_SECONDS, "listening")
        yield Replicas(space, redis, servers)


def stores(postgresql: PostgreSql, redis: Redis) -> dict[str, Any]:
    """What both replicas are connected to."""
    database = {
        "host": "127.0.0.1",
        "port": postgresql.port,
        "username": postgresql.username,
        "password": secret_value(STORES, "postgresql"),
    }
    locks = {"host": "127.0.0.1", "port": redis.port, "password": secret_value(STORES, "redis")}
    return {"trackerStore": {"sql": database}, "lockStore": {"redis": locks}}


@pytest.fixture
def sender() -> str:
    """Somebody who has not said anything yet."""
    return f"visitor-{secrets.token_hex(4)}"


def test_both_replicas_serve_the_model_and_nothing_is_reported_of_missing_stores(replicas: Replicas) -> None:
    served = f"2 of 2 ready pods serve {MODEL_A}"

    replicas.space.wait_for_condition(ENVIRONMENT, ENVIRONMENT_NAME, "ModelServed", status="True", message=served)

    assert len(replicas.servers) == 2
    replicas.space.wait_for_condition(ENVIRONMENT, ENVIRONMENT_NAME, "ConversationsPersisted", status="True")


def test_messages_to_either_replica_make_one_conversation(replicas: Replicas, sender: str) -> None:
    for number in range(4):
        replicas.tell(number % 2, sender, f"hello {number}")

    answer = ("bot", "Hello from model A.")
    expected = [entry for number in range(4) for entry in (("user", f"hello {number}"), answer)]
    assert replicas.conversation(0, sender) == expected
    assert replicas.conversation(1, sender) == expected


def test_messages_that_come_at_once_are_answered_one_after_the_other(replicas: Replicas, sender: str) -> None:
    """To one replica: Rasa reads and writes a lock in two steps, between which another process may do the same."""
    texts = [f"hello {number}" for number in range(8)]

    with ThreadPoolExecutor(len(texts)) as threads:
        list(threads.map(lambda text: replicas.tell(0, sender, text), texts))

    said = replicas.conversation(1, sender)
    assert sorted(text for who, text in said if who == "user") == texts
    assert [who for who, _ in said] == ["user", "bot"] * len(texts)
    assert replicas.conversation(0, sender) == said


def test_the_lock_of_a_conversation_is_one_key_that_both_replicas_take(replicas: Replicas, sender: str) -> None:
    replicas.tell(0, sender, "hello")
    alone = replicas.clients_of_lock(sender)
    replicas.tell(1, sender, "hello")

    both = replicas.clients_of_lock(sender)

    assert alone
    assert alone < both
