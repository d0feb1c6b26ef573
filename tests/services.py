"""RabbitMQ, PostgreSQL, Redis and S3 for all tests: each is started once per run, when a test first uses it."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

import pytest

from local.binaries import VERSITYGW, BinariesUnavailableError, find_or_build_program
from local.progress import ConsoleProgress
from local.services import (
    S3,
    PostgreSql,
    RabbitMq,
    Redis,
    ServiceUnavailableError,
    find_programs,
    running_postgresql,
    running_rabbitmq,
    running_redis,
    running_s3,
)
from local.services.programs import POSTGRESQL, RABBITMQ, REDIS, Service

FIXTURES = {"rabbitmq": RABBITMQ, "postgresql": POSTGRESQL, "redis": REDIS}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Download programs that the machine lacks before any test's time limit starts, with progress."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    if session.config.option.collectonly or capture is None:
        return
    with capture.global_and_fixture_disabled(), ConsoleProgress() as progress:
        for name in FIXTURES.keys() & wanted:
            with suppress(ServiceUnavailableError):  # which the fixture says
                find_programs(FIXTURES[name], progress)
        if "s3" in wanted:
            with suppress(BinariesUnavailableError):
                find_or_build_program(VERSITYGW, progress)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMq]:
    """A RabbitMQ; every test uses exchanges and queues with its own names."""
    require(RABBITMQ)
    with running_rabbitmq() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL; every test uses databases with its own names."""
    require(POSTGRESQL)
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A Redis; every test uses its own prefix or database number."""
    require(REDIS)
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 store; every test uses a bucket with its own name."""
    try:
        find_or_build_program(VERSITYGW, ConsoleProgress())
    except BinariesUnavailableError as error:
        pytest.skip(str(error))
    with running_s3() as store:
        yield store


def require(service: Service) -> None:
    """Skip the test if the service's programs are neither installed nor available for download."""
    try:
        find_programs(service, ConsoleProgress())
    except ServiceUnavailableError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Message:
    """A message in a queue, with the property that names its sender."""

    app_id: str | None
    body: str


def bind_queue(broker: RabbitMq, queue: str, exchange: str) -> None:
    """Declare both as Rasa does, which binds its queues to a fanout exchange: each gets everything published."""
    with closing(broker.connect()) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, exchange_type="fanout")
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, exchange)


def take_messages(broker: RabbitMq, queue: str) -> list[Message]:
    """Remove all messages that are in the queue now, the oldest first."""
    with closing(broker.connect()) as connection:
        channel = connection.channel()
        taken = iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None))
        return [Message(properties.app_id, body.decode()) for _, properties, body in taken]
