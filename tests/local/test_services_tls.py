"""RabbitMQ, PostgreSQL and Redis with TLS only: plain text and clients without a certificate are refused."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pika
import psycopg
import pytest

from local.services import (
    PostgreSql,
    RabbitMq,
    Redis,
    RedisRefusedError,
    Tls,
    TlsFiles,
    running_postgresql,
    running_rabbitmq,
    running_redis,
)
from local.services.programs import POSTGRESQL, RABBITMQ, REDIS
from tests.services import Message, bind_queue, require, take_messages

MUTUAL = Tls(wants_client_certificate=True)


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMq]:
    require(RABBITMQ)
    with running_rabbitmq(tls=MUTUAL) as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSql]:
    require(POSTGRESQL)
    with running_postgresql(tls=MUTUAL) as running:
        yield running


@pytest.fixture(scope="module")
def store() -> Iterator[Redis]:
    require(REDIS)
    with running_redis(tls=MUTUAL, username="bots") as running:
        yield running


def files_of(server: RabbitMq | PostgreSql | Redis) -> TlsFiles:
    """The files of a server that speaks TLS."""
    assert server.tls is not None
    return server.tls


def test_rabbitmq_hands_on_messages(broker: RabbitMq) -> None:
    bind_queue(broker, "of-a-test", "exchange-of-a-test")

    with closing(broker.connect()) as connection:
        connection.channel().basic_publish("exchange-of-a-test", "", b"hello", pika.BasicProperties(app_id="staging"))

    assert take_messages(broker, "of-a-test") == [Message("staging", "hello")]


def test_rabbitmq_refuses_plain_text(broker: RabbitMq) -> None:
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        replace(broker, tls=None).connect()


def test_rabbitmq_refuses_who_shows_no_certificate(broker: RabbitMq) -> None:
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        broker.connect(client=False)


def test_postgresql_answers(database: PostgreSql) -> None:
    with closing(database.connect()) as connection:
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)


def test_postgresql_refuses_plain_text(database: PostgreSql) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        database.connect(sslmode="disable")


def test_postgresql_refuses_who_shows_no_certificate(database: PostgreSql) -> None:
    with pytest.raises(psycopg.OperationalError, match="client certificate"):
        database.connect(sslcert="/nowhere")


def test_redis_answers_the_user_who_is_in_its_list(store: Redis) -> None:
    assert store.run("ACL", "WHOAMI") == ["bots"]


def test_redis_refuses_its_default_user(store: Redis) -> None:
    with pytest.raises(RedisRefusedError, match="WRONGPASS"):
        replace(store, username=None).run("PING")


def test_redis_refuses_plain_text(store: Redis) -> None:
    with pytest.raises(RedisRefusedError):
        replace(store, tls=None).run("PING")


@pytest.mark.parametrize("server", ["broker", "store"])
def test_who_trusts_another_authority_does_not_trust_the_server(server: str, request: pytest.FixtureRequest) -> None:
    running: RabbitMq | Redis = request.getfixturevalue(server)

    with (
        socket.create_connection(("127.0.0.1", running.port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
