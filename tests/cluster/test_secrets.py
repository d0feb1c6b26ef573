"""Secrets that users name are read once, and again when they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.resources import SECRETS
from rasa_environments.cluster.secrets import OwnSecrets, Secrets
from tests.cluster.line import RecordingConnection, eventually
from tests.cluster.objects import secret


@pytest.fixture
def changed() -> list[str]:
    """The names that `on_change` was called with."""
    return []


@pytest.fixture
def own() -> OwnSecrets:
    """Where those with the label are kept; nobody listens."""
    return OwnSecrets("mine=yes", ObjectCache(), lambda *_: None)


@pytest.fixture
def key(namespace: str) -> ObjectKey:
    """Of the Secret in question."""
    return ObjectKey(namespace, "token")


@pytest.fixture
async def secrets(
    client: Client, someone: Client, namespace: str, key: ObjectKey, changed: list[str], own: OwnSecrets
) -> AsyncIterator[Secrets]:
    """Running, with one Secret in the namespace."""
    await someone.create(SECRETS, secret(key.name, namespace, {"token": "first"}))
    secrets = Secrets(client, own, lambda key: changed.append(key.name))
    task = asyncio.create_task(secrets.run())
    yield secrets
    task.cancel()
    await asyncio.wait({task})


def reads(connection: RecordingConnection, key: ObjectKey) -> int:
    """How often the content was requested."""
    return connection.requests.count(("GET", SECRETS.path(key.namespace, key.name)))


async def test_the_content_is_read(secrets: Secrets, key: ObjectKey) -> None:
    assert await secrets.read(key) == {"token": b"first"}


async def test_many_who_ask_make_one_request(secrets: Secrets, key: ObjectKey, connection: RecordingConnection) -> None:
    answers = await asyncio.gather(*[secrets.read(key) for _ in range(20)])
    answers.append(await secrets.read(key))
    assert answers == [{"token": b"first"}] * 21
    assert reads(connection, key) == 1


async def test_what_nobody_asks_for_is_not_read(
    secrets: Secrets, key: ObjectKey, connection: RecordingConnection, someone: Client, changed: list[str]
) -> None:
    await secrets.follow(key.namespace)
    await someone.patch(SECRETS, key, {"data": {"token": "eA=="}})
    await eventually(lambda: changed.count(key.name) == 2, "the change to be told")
    assert reads(connection, key) == 0


async def test_a_change_is_told_and_read_anew(
    secrets: Secrets, key: ObjectKey, connection: RecordingConnection, someone: Client, changed: list[str]
) -> None:
    await secrets.read(key)
    changed.clear()
    await someone.patch(SECRETS, key, {"data": {"token": "c2Vjb25k"}})
    await eventually(lambda: key.name in changed, "the change to be told")
    assert await secrets.read(key) == {"token": b"second"}
    assert reads(connection, key) == 2


async def test_a_secret_that_is_not_there_is_asked_for_once(
    secrets: Secrets, namespace: str, connection: RecordingConnection
) -> None:
    missing = ObjectKey(namespace, "missing")
    assert [await secrets.read(missing) for _ in range(3)] == [None, None, None]
    assert reads(connection, missing) == 1


async def test_a_secret_that_appears_later_is_told_and_read(
    secrets: Secrets, namespace: str, someone: Client, changed: list[str]
) -> None:
    assert await secrets.read(ObjectKey(namespace, "late")) is None
    await someone.create(SECRETS, secret("late", namespace, {"token": "late"}))
    await eventually(lambda: "late" in changed, "it to be told")
    assert await secrets.read(ObjectKey(namespace, "late")) == {"token": b"late"}


async def test_a_deleted_secret_is_told_and_none(
    secrets: Secrets, key: ObjectKey, someone: Client, changed: list[str]
) -> None:
    await secrets.read(key)
    changed.clear()
    await someone.delete(SECRETS, key)
    await eventually(lambda: key.name in changed, "it to be told")
    assert key not in secrets._held, "its content is held no longer"
    assert await secrets.read(key) is None


async def test_a_secret_without_data_is_empty(
    secrets: Secrets, namespace: str, someone: Client, changed: list[str]
) -> None:
    await secrets.follow(namespace)
    await someone.create(SECRETS, secret("empty", namespace, {}))
    await eventually(lambda: "empty" in changed, "it to be told")
    assert await secrets.read(ObjectKey(namespace, "empty")) == {}


async def test_what_helm_stores_is_not_followed(
    secrets: Secrets, namespace: str, someone: Client, changed: list[str]
) -> None:
    await secrets.follow(namespace)
    await someone.create(SECRETS, secret("release", namespace, {"release": "x"}) | {"type": "helm.sh/release.v1"})
    await someone.create(SECRETS, secret("after", namespace, {}))
    await eventually(lambda: "after" in changed, "what came after it to be told")
    assert "release" not in changed


async def test_secrets_are_never_listed(secrets: Secrets, key: ObjectKey, connection: RecordingConnection) -> None:
    await secrets.read(key)
    listings = [
        path for _, path in connection.requests if path == SECRETS.path(key.namespace) or path == SECRETS.path()
    ]
    assert listings == []


async def test_those_with_the_label_of_the_operator_are_kept_whole(
    secrets: Secrets, namespace: str, own: OwnSecrets, someone: Client
) -> None:
    mine = secret("mine", namespace, {"token": "generated"})
    mine["metadata"]["labels"] = {"mine": "yes"}
    await someone.create(SECRETS, mine)
    await secrets.follow(namespace)
    await eventually(lambda: own.cache.get(ObjectKey(namespace, "mine")) is not None, "it to be seen")
    assert (own.cache.get(ObjectKey(namespace, "mine")) or {})["data"] == {"token": "Z2VuZXJhdGVk"}
    assert own.cache.get(ObjectKey(namespace, "token")) is None


async def test_a_namespace_that_concerns_nobody_any_more_is_forgotten(
    secrets: Secrets, key: ObjectKey, changed: list[str], someone: Client
) -> None:
    await secrets.read(key)
    secrets.keep_only(())
    changed.clear()
    await someone.patch(SECRETS, key, {"data": {"token": "c2Vjb25k"}})
    assert await secrets.read(key) == {"token": b"second"}


async def test_requests_go_on_however_many_namespaces_are_followed(secrets: Secrets, key: ObjectKey) -> None:
    await asyncio.gather(*[secrets.follow(f"namespace-{number}") for number in range(60)])
    async with asyncio.timeout(30):
        assert await secrets.read(key) == {"token": b"first"}
