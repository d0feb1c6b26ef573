"""Secrets that users refer to are read once, and again when they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import SECRETS
from rasa_environments.cluster.secrets import Secrets
from tests.cluster.line import Line, RecordingConnection, eventually
from tests.cluster.objects import secret


@pytest.fixture
def changed() -> list[str]:
    """The names that `on_change` was called with."""
    return []


@pytest.fixture
def key(namespace: str) -> ObjectKey:
    """Of the Secret in question."""
    return ObjectKey(namespace, "token")


@pytest.fixture
async def secrets(
    client: Client, someone: Client, namespace: str, key: ObjectKey, changed: list[str]
) -> AsyncIterator[Secrets]:
    """Run the reader with one Secret in the namespace."""
    await someone.create(SECRETS, secret(key.name, namespace, {"token": "first"}))
    secrets = Secrets(client, lambda key: changed.append(key.name))
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
    await secrets.read(ObjectKey(key.namespace, "another"))
    await someone.patch(SECRETS, key, {"data": {"token": "eA=="}})
    await eventually(lambda: changed.count(key.name) == 2, "the change to be told")
    assert reads(connection, key) == 0


async def test_a_change_is_reported_and_read_anew(
    secrets: Secrets, key: ObjectKey, connection: RecordingConnection, someone: Client, changed: list[str]
) -> None:
    await secrets.read(key)
    changed.clear()
    await someone.patch(SECRETS, key, {"data": {"token": "c2Vjb25k"}})
    await eventually(lambda: key.name in changed, "the change to be told")
    assert await secrets.read(key) == {"token": b"second"}
    assert reads(connection, key) == 2


async def test_a_missing_secret_is_asked_for_once(
    secrets: Secrets, namespace: str, connection: RecordingConnection
) -> None:
    missing = ObjectKey(namespace, "missing")
    assert [await secrets.read(missing) for _ in range(3)] == [None, None, None]
    assert reads(connection, missing) == 1


async def test_a_secret_that_appears_later_is_reported_and_read(
    secrets: Secrets, namespace: str, someone: Client, changed: list[str]
) -> None:
    assert await secrets.read(ObjectKey(namespace, "late")) is None
    await someone.create(SECRETS, secret("late", namespace, {"token": "late"}))
    await eventually(lambda: "late" in changed, "it to be told")
    assert await secrets.read(ObjectKey(namespace, "late")) == {"token": b"late"}


async def test_a_deleted_secret_is_reported_and_none(
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
    await secrets.read(ObjectKey(namespace, "another"))
    await someone.create(SECRETS, secret("empty", namespace, {}))
    await eventually(lambda: "empty" in changed, "it to be told")
    assert await secrets.read(ObjectKey(namespace, "empty")) == {}


async def test_what_helm_stores_is_not_followed(
    secrets: Secrets, namespace: str, someone: Client, changed: list[str]
) -> None:
    await secrets.read(ObjectKey(namespace, "another"))
    await someone.create(SECRETS, secret("release", namespace, {"release": "x"}) | {"type": "helm.sh/release.v1"})
    await someone.create(SECRETS, secret("after", namespace, {}))
    await eventually(lambda: "after" in changed, "what came after it to be told")
    assert "release" not in changed


async def test_no_content_is_listed_or_watched(
    secrets: Secrets, key: ObjectKey, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    asked: list[object] = []

    def noting(verb: Callable[..., object]) -> Callable[..., object]:
        def noted(*args: object, **options: object) -> object:
            asked.append(options["metadata_only"])
            return verb(*args, **options)

        return noted

    monkeypatch.setattr(client, "pages", noting(client.pages))
    monkeypatch.setattr(client, "watch", noting(client.watch))
    await secrets.read(key)
    await eventually(lambda: len(asked) == 2, "the watch to be opened")
    assert asked == [True, True]


async def test_the_content_of_a_large_secret_is_not_held(
    secrets: Secrets, namespace: str, someone: Client, connection: RecordingConnection
) -> None:
    large = ObjectKey(namespace, "large")
    await someone.create(SECRETS, secret("large", namespace, {"token": "first", "filler": "x" * 100_000}))
    for _ in range(2):
        assert (await secrets.read(large) or {})["token"] == b"first"
    assert reads(connection, large) == 2
    assert secrets._held[large].content is None


async def test_a_secret_that_changes_while_it_is_read_is_read_again(
    secrets: Secrets, key: ObjectKey, someone: Client, connection: RecordingConnection, changed: list[str]
) -> None:
    await secrets.read(ObjectKey(key.namespace, "another"))
    changes = 0

    async def change(_: str, path: str) -> None:
        nonlocal changes
        if path == SECRETS.path(key.namespace, key.name) and not changes:
            changes += 1
            version = secrets._versions.version(key)
            await someone.patch(SECRETS, key, {"data": {"token": "c2Vjb25k"}})
            await eventually(lambda: secrets._versions.version(key) != version, "the change to be seen")

    connection.before = change
    assert await secrets.read(key) == {"token": b"second"}
    assert await secrets.read(key) == {"token": b"second"}


async def test_a_lost_connection_makes_no_secret_seem_absent(
    distant: Client, line: Line, someone: Client, namespace: str, key: ObjectKey, changed: list[str]
) -> None:
    await someone.create(SECRETS, secret(key.name, namespace, {"token": "first"}))
    secrets = Secrets(distant, lambda key: changed.append(key.name))
    task = asyncio.create_task(secrets.run())
    try:
        assert await secrets.read(key) == {"token": b"first"}
        changed.clear()
        line.cut()
        await eventually(lambda: secrets.failure is not None, "the failure to be noted")
        assert f"namespace {namespace}: " in str(secrets.failure)
        assert await secrets.read(key) == {"token": b"first"}
        line.mend()
        await eventually(lambda: secrets.failure is None, "the list to be made again")
        assert changed == []
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_where_the_api_server_refuses_to_list_the_reason_is_reported(
    secrets: Secrets, key: ObjectKey, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise ApiError(403, "Forbidden", "secrets is forbidden")

    monkeypatch.setattr(client, "pages", refuse)
    with pytest.raises(ApiError, match="secrets is forbidden"):
        await secrets.read(key)


async def test_a_namespace_that_concerns_nobody_any_more_is_forgotten(
    secrets: Secrets, key: ObjectKey, changed: list[str], someone: Client
) -> None:
    await secrets.read(key)
    secrets.set_namespaces(())
    changed.clear()
    await someone.patch(SECRETS, key, {"data": {"token": "c2Vjb25k"}})
    assert await secrets.read(key) == {"token": b"second"}


async def test_requests_go_on_however_many_namespaces_are_followed(secrets: Secrets, key: ObjectKey) -> None:
    await asyncio.gather(*[secrets.read(ObjectKey(f"namespace-{number}", "a")) for number in range(60)])
    async with asyncio.timeout(30):
        assert await secrets.read(key) == {"token": b"first"}
