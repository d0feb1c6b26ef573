"""RabbitMQ, PostgreSQL and Redis for tests: they need the password, listen only on loopback, and end with the test."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pika
import psycopg
import pytest

from local.services import (
    PostgreSql,
    RabbitMq,
    Redis,
    RedisRefusedError,
    running_postgresql,
    running_rabbitmq,
    running_redis,
)
from tests.eventually import eventually
from tests.services import Message, bind_queue, take_messages

Server = RabbitMq | PostgreSql | Redis

WRONG = "wrong"

LISTEN, LOOPBACK = "0A", "0100007F"
"""A state of a socket, and the address 127.0.0.1 on a little-endian machine, as proc_pid_net(5) writes them."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(params=["rabbitmq", "postgresql", "redis"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the three that run for all tests."""
    found: Server = request.getfixturevalue(request.param)
    return found


def processes_in(directory: Path) -> set[int]:
    """Return the processes that work in the directory or below it, as those of a service do."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(directory):
                found.add(int(process.name))
        except OSError:
            continue
    return found


def listening_addresses(directory: Path) -> dict[int, str]:
    """The ports that the processes in the directory listen on, with the address of each as /proc/net writes it."""
    sockets = set()
    for process in processes_in(directory):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            try:
                sockets |= set(re.findall(r"socket:\[(\d+)\]", str(descriptor.readlink())))
            except OSError:
                continue
    found = {}
    for version in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{version}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == LISTEN and fields[9] in sockets:
                found[int(port, 16)] = address
    return found


def refuses_connections(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_rabbitmq_hands_on_messages_with_the_name_of_their_sender(rabbitmq: RabbitMq) -> None:
    bind_queue(rabbitmq, "of-a-test", "exchange-of-a-test")

    with closing(rabbitmq.connect()) as connection:
        properties = pika.BasicProperties(app_id="staging")
        connection.channel().basic_publish("exchange-of-a-test", "", b"hello", properties)

    assert take_messages(rabbitmq, "of-a-test") == [Message("staging", "hello")]
    assert take_messages(rabbitmq, "of-a-test") == []


def test_postgresql_shows_what_databases_were_created(postgresql: PostgreSql) -> None:
    with closing(postgresql.connect()) as connection:
        connection.execute("CREATE DATABASE of_a_test")

    assert "of_a_test" in postgresql.databases()


def test_redis_keeps_a_key(redis: Redis) -> None:
    assert redis.run("SET", "of-a-test", "value") == ["OK"]

    assert redis.run("GET", "of-a-test") == ["value"]


def test_redis_tells_which_commands_it_got_from_whom(redis: Redis) -> None:
    redis.run("SET", "lock:of-a-test", "1")
    redis.run("DEL", "lock:of-a-test")

    got = [command for command in redis.commands() if "lock:of-a-test" in command.words]

    assert [command.words[0] for command in got] == ["SET", "DEL"]
    assert len({command.client for command in got}) == 2


def test_rabbitmq_refuses_a_wrong_password(rabbitmq: RabbitMq) -> None:
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        replace(rabbitmq, password=WRONG).connect()


def test_postgresql_refuses_a_wrong_password(postgresql: PostgreSql) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        replace(postgresql, password=WRONG).connect()


def test_redis_refuses_a_wrong_password(redis: Redis) -> None:
    with pytest.raises(RedisRefusedError, match="WRONGPASS"):
        replace(redis, password=WRONG).run("PING")


@on_linux
def test_it_listens_on_loopback_only(server: Server) -> None:
    addresses = listening_addresses(server.log.parent)

    assert server.port in addresses
    assert set(addresses.values()) == {LOOPBACK}


@on_linux
def test_its_password_is_in_no_argument_and_in_no_log(server: Server) -> None:
    arguments = [Path(f"/proc/{process}/cmdline").read_text() for process in processes_in(server.log.parent)]

    assert arguments
    assert server.password not in "".join([*arguments, server.log.read_text(), repr(server)])


@on_linux
@pytest.mark.parametrize("running", [running_rabbitmq, running_postgresql, running_redis])
def test_it_is_gone_after_its_block(running: Callable[[], AbstractContextManager[Any]]) -> None:
    with running() as server:
        directory = server.log.parent
        processes = processes_in(directory)
        assert processes

    assert refuses_connections(server.port)
    assert not directory.exists()
    assert eventually(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))


PARENT = """
import time
from local.services import running_postgresql
with running_postgresql() as server:
    print(server.log.parent, flush=True)
    time.sleep(1000)
"""


@on_linux
def test_a_killed_parent_takes_even_processes_with_groups_of_their_own_along() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        directory = Path(parent.stdout.readline().strip())
        processes = processes_in(directory)
        assert len(processes) > 1
        parent.send_signal(signal.SIGKILL)

    assert eventually(lambda: not processes_in(directory))
    assert eventually(lambda: not directory.exists())
