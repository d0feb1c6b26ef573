"""Real Rasa 3.6 uses only TLS for model server, RabbitMQ, PostgreSQL and Redis, and shows a client certificate.

For Kafka, which Debian does not package, and for an action server, real Rasa's own code is tested up to the handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.node.certificates import Authority
from local.rasa import RasaProcess
from local.services import (
    PostgreSql,
    RabbitMq,
    Redis,
    Tls,
    TlsFiles,
    running_postgresql,
    running_rabbitmq,
    running_redis,
)
from local.services.programs import POSTGRESQL, RABBITMQ, REDIS
from rasa_environments.api.base import JsonObject
from tests.desired.contexts import children_by_kind, context
from tests.eventually import eventually
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, environment, model_server, secret, secret_value
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN, running_model_server
from tests.integration.real_environments import (
    ANSWERS,
    LISTENING_SECONDS,
    RealRasa,
    front_up,
    wait_for_one_pod,
    wait_until_served,
)
from tests.integration.space import Space
from tests.services import Message, require, take_messages

NAME = "secure"
DATABASE = "rasa-secure"
"""With a hyphen, which does no harm if Rasa does not create it."""
QUEUE = "secure-events"
USER = "bots"
PASSWORD = "p@ss/w:rd+1%?"
"""With every character that has a meaning in an address."""
MUTUAL = Tls(wants_client_certificate=True)
PASSWORDS = "passwords"


@dataclass(frozen=True)
class Secured:
    """An environment whose server reaches everything by TLS."""

    space: Space
    rabbitmq: RabbitMq
    postgresql: PostgreSql
    redis: Redis
    server: RealRasa


@pytest.fixture(scope="module")
def secured(
    shared: Installation, new_space: Callable[[], Space], rasa_binaries: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    for service in (RABBITMQ, POSTGRESQL, REDIS):
        require(service)
    space, folder = new_space(), tmp_path_factory.mktemp("models")
    authority = Authority("authority of the model server")
    with contextlib.ExitStack() as running, ApiServer(shared.facts.kubeconfig) as api:
        rabbitmq = running.enter_context(running_rabbitmq(tls=MUTUAL, password=PASSWORD))
        postgresql = running.enter_context(running_postgresql(tls=MUTUAL))
        redis = running.enter_context(running_redis(tls=MUTUAL, username=USER))
        with postgresql.connect() as connection:
            connection.execute(f'CREATE DATABASE "{DATABASE}"'.encode())
        models = running.enter_context(running_model_server(folder, tags=[NAME]))
        front = Front(models, server_context(authority, folder))
        running.enter_context(front_up(front))
        space.apply(
            secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
            secret(PASSWORDS, rabbitmq=PASSWORD, postgresql=postgresql.password, redis=redis.password),
            secret("models", **{"ca.crt": authority.certificate}),
            *(
                secret(name, **files_of(service).secret())
                for name, service in (("rabbitmq", rabbitmq), ("postgresql", postgresql), ("redis", redis))
            ),
            model_server(front.url, tls=by("models")),
            environment(NAME, **connections(rabbitmq, postgresql, redis)),
        )
        wait_for_one_pod(space, NAME)
        pod, address = deployed_pod(api, space.namespace, f"{NAME}-rasa")
        process = running.enter_context(RasaProcess(rasa_binaries, pod, address))
        server = RealRasa(NAME, pod, address, process)
        process.wait_until(server.is_listening, LISTENING_SECONDS, "listening")
        yield Secured(space, rabbitmq, postgresql, redis, server)


def by(name: str) -> JsonObject:
    """TLS with the certificates in that Secret."""
    return {"mode": "Required", "certSecretRef": {"name": name}}


def connections(rabbitmq: RabbitMq, postgresql: PostgreSql, redis: Redis) -> dict[str, Any]:
    """What the environment is connected to."""
    broker = {"username": rabbitmq.username, "port": rabbitmq.port, "queues": [QUEUE]}
    database = {"username": postgresql.username, "port": postgresql.port, "database": DATABASE}
    locks = {"username": USER, "port": redis.port}

    def secure(described: JsonObject, name: str) -> JsonObject:
        return {**described, "host": "localhost", "password": secret_value(PASSWORDS, name), "tls": by(name)}

    return {
        "eventBroker": {"rabbitmq": secure(broker, "rabbitmq")},
        "trackerStore": {"sql": secure(database, "postgresql")},
        "lockStore": {"redis": secure(locks, "redis")},
    }


def files_of(service: RabbitMq | PostgreSql | Redis) -> TlsFiles:
    """The files of a service that speaks TLS."""
    assert service.tls is not None
    return service.tls


def server_context(authority: Authority, folder: Path, *, clients: Authority | None = None) -> ssl.SSLContext:
    """Return a context for a server on loopback.

    With `clients` it admits only clients with a certificate of that authority.
    """
    pair = authority.server("server", ["localhost"], ["127.0.0.1"])
    (folder / "server.pem").write_text(pair.certificate + pair.key)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "server.pem")
    if clients is not None:
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(cadata=clients.certificate)
    return server


def test_the_model_is_pulled_by_https_with_the_authority_of_the_model_server(secured: Secured) -> None:
    wait_until_served(secured.space, NAME, MODEL_A)

    assert secured.server.says("puller") == ANSWERS[MODEL_A]


def test_a_conversation_lands_in_postgresql_that_was_verified_in_full(secured: Secured) -> None:
    secured.server.says("teller")

    with secured.postgresql.connect(DATABASE) as database:
        kept = {sender for (sender,) in database.execute("SELECT DISTINCT sender_id FROM events")}
        by_tls = database.execute(
            "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = %s", [DATABASE]
        ).fetchall()
    assert "teller" in kept
    assert by_tls == [(True,)]
    query = endpoints_of(secured)["tracker_store"]["query"]
    assert query["sslmode"] == "verify-full"


def test_an_event_arrives_by_amqps_whatever_is_in_the_password(secured: Secured) -> None:
    secured.server.says("sender")
    taken: list[Message] = []

    def bodies() -> list[JsonObject]:
        taken.extend(take_messages(secured.rabbitmq, QUEUE))
        return [body for body in map(json.loads, (message.body for message in taken)) if body["sender_id"] == "sender"]

    assert eventually(lambda: "bot" in [body["event"] for body in bodies()])
    assert {message.app_id for message in taken} == {NAME}


def test_the_lock_of_a_conversation_is_kept_for_a_user_of_redis(secured: Secured) -> None:
    secured.server.says("locker")

    written = [command.words[1] for command in secured.redis.commands() if command.words[0] == "SET"]
    assert f"{NAME}:lock:locker" in written
    assert secured.redis.run("ACL", "WHOAMI") == [USER]


def test_no_password_is_in_the_log_of_rasa(secured: Secured) -> None:
    log = secured.server.process.log(lines=100_000)

    assert "RabbitMQ connection" in log
    for password in (PASSWORD, "p%40ss", secured.postgresql.password, secured.redis.password):
        assert password not in log


def endpoints_of(secured: Secured) -> JsonObject:
    """endpoints.yml as the API server has it."""
    endpoints: JsonObject = yaml.safe_load(secured.space.child("ConfigMap", NAME)["data"]["endpoints.yml"])
    return endpoints


KAFKA = """
import asyncio, json, sys
from rasa.core.brokers.kafka import KafkaEventBroker
from rasa.utils.endpoints import EndpointConfig

async def main():
    broker = await KafkaEventBroker.from_endpoint_config(EndpointConfig.from_dict(json.loads(sys.argv[1])))
    try:
        broker._create_producer().list_topics(timeout=3)
    except Exception as error:
        print(error)
    broker._cancelled = True

asyncio.run(main())
"""
ACTION = """
import asyncio, json, sys
from rasa.utils.endpoints import EndpointConfig

async def main():
    print(await EndpointConfig.from_dict(json.loads(sys.argv[1])).request("post", json={}))

asyncio.run(main())
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def endpoint(kind: str, spec: JsonObject, folder: Path, files: Mapping[str, str]) -> JsonObject:
    """Return an entry of endpoints.yml for Rasa outside a pod, with its files below the folder."""
    name = kind.replace("_", "-")
    held = {f"{name}-{key}": text for key, text in files.items()}
    config = children_by_kind(context({"rasa": {"version": "3.6.21"}, **spec}, certificates=held))["ConfigMap"]["data"]
    (folder / name).mkdir()
    for key, text in files.items():
        (folder / name / key).write_text(text)
    found: JsonObject = yaml.safe_load(config["endpoints.yml"].replace("/app/tls", str(folder)))[kind]
    return found


def run_with_rasa(binaries: Path, code: str, described: JsonObject) -> str:
    """Return the output of the code, run by the Python of real Rasa."""
    command = [str(binaries / "python"), "-c", code, json.dumps(described)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@contextlib.contextmanager
def listening(tls: ssl.SSLContext, answer: bytes) -> Iterator[tuple[int, list[str]]]:
    """A server that answers what it hears first; gives its port, and who has shown a certificate ("" for nobody)."""
    seen: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("peercert") or {}
        seen.append(dict(entry for (entry,) in shown.get("subject", ())).get("commonName", ""))
        with contextlib.suppress(ConnectionError):
            await reader.read(1024)
            writer.write(answer)
            writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def kafka(port: int, host: str = "localhost") -> JsonObject:
    """An event broker that needs the certificates in a Secret."""
    return {"eventBroker": {"kafka": {"bootstrapServers": [f"{host}:{port}"], "tls": by("kafka")}}}


def test_kafka_is_reached_with_authority_and_client_certificate(rasa_binaries: Path, tmp_path: Path) -> None:
    authority = Authority("authority of Kafka")
    pair = authority.client("rasa", "clients")
    files = {"ca.crt": authority.certificate, "tls.crt": pair.certificate, "tls.key": pair.key}

    with listening(server_context(authority, tmp_path, clients=authority), b"") as (port, seen):
        run_with_rasa(rasa_binaries, KAFKA, endpoint("event_broker", kafka(port), tmp_path, files))

    assert "rasa" in seen


def test_a_kafka_of_another_authority_gets_no_event(rasa_binaries: Path, tmp_path: Path) -> None:
    files = {"ca.crt": Authority("another").certificate}

    with listening(server_context(Authority("authority of Kafka"), tmp_path), b"") as (port, seen):
        run_with_rasa(rasa_binaries, KAFKA, endpoint("event_broker", kafka(port), tmp_path, files))

    assert seen == []


def test_an_action_server_is_verified_with_the_authority_of_the_secret(rasa_binaries: Path, tmp_path: Path) -> None:
    authority = Authority("authority of the actions")

    with listening(server_context(authority, tmp_path), ANSWER) as (port, _):
        spec = {"actionEndpoint": {"url": f"https://localhost:{port}/webhook", "tls": by("actions")}}
        described = endpoint("action_endpoint", spec, tmp_path, {"ca.crt": authority.certificate})
        assert run_with_rasa(rasa_binaries, ACTION, described).strip() == "{}"
