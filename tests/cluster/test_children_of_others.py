"""Children that others also write: the owner is checked, and a faster writer is not overwritten."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster import contention
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.cache import ObjectCache, identity
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.contention import AT_ONCE
from rasa_environments.cluster.errors import ContendedError, OutdatedError, OwnerGoneError
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.owners import OwnerCheck
from rasa_environments.cluster.resources import CONFIG_MAPS, SECRETS, Resource
from tests.cluster.line import RecordingConnection
from tests.cluster.objects import config_map, owned, secret


def check_of(client: Client, owner: JsonObject, uid: str | None = None) -> OwnerCheck:
    """Asks for the owner."""
    metadata = owner["metadata"]
    key = ObjectKey(metadata["namespace"], metadata["name"])
    return OwnerCheck(client, CONFIG_MAPS, key, uid or metadata["uid"])


async def test_a_child_of_an_owner_that_exists_is_created_and_the_owner_asked_for_once(
    client: Client, children: Children, connection: RecordingConnection, namespace: str, owner: JsonObject
) -> None:
    check = check_of(client, owner)
    for name in ("one", "two"):
        child = owned(config_map(name, namespace=namespace), owner)
        assert await children.apply(child, check_owner=check) is Outcome.CREATED
    assert connection.verbs == ["GET", "POST", "POST"]


async def test_a_child_of_an_owner_that_is_gone_is_not_created(
    client: Client,
    children: Children,
    connection: RecordingConnection,
    someone: Client,
    settings: JsonObject,
    owner: JsonObject,
) -> None:
    await someone.delete(CONFIG_MAPS, identity(owner)[0])
    with pytest.raises(OwnerGoneError):
        await children.apply(settings, check_owner=check_of(client, owner))
    assert connection.verbs == ["GET"]


async def test_a_child_of_a_former_owner_of_that_name_is_not_created(
    client: Client, children: Children, settings: JsonObject, owner: JsonObject
) -> None:
    with pytest.raises(OwnerGoneError):
        await children.apply(settings, check_owner=check_of(client, owner, "another uid"))


async def test_a_child_that_vanished_unseen_is_not_created_again_for_an_owner_that_is_gone(
    client: Client, children: Children, someone: Client, settings: JsonObject, owner: JsonObject
) -> None:
    await children.apply(settings)
    key, _ = identity(settings)
    for gone in (key, identity(owner)[0]):
        await someone.delete(CONFIG_MAPS, gone)
    changed = {**settings, "data": {"a": "2"}}
    with pytest.raises(OwnerGoneError):
        await children.apply(changed, check_owner=check_of(client, owner))


async def test_values_that_were_decided_on_an_older_version_are_not_written(
    children: Children, someone: Client, namespace: str, owner: JsonObject, caches: dict[Resource, ObjectCache]
) -> None:
    desired = owned(secret("child", namespace, {"token": "first"}), owner)
    await children.apply(desired)
    key, _ = identity(desired)
    seen = caches[SECRETS].get(key)
    assert seen is not None
    await someone.patch(SECRETS, key, {"stringData": {"token": "another operator's"}})
    with pytest.raises(OutdatedError) as caught:
        await children.apply(
            owned(secret("child", namespace, {"token": "second"}), owner), version=seen["metadata"]["resourceVersion"]
        )
    assert caught.value.live["data"] == {"token": "YW5vdGhlciBvcGVyYXRvcidz"}


async def test_a_correction_that_comes_second_finds_everything_right(
    client: Client,
    children: Children,
    connection: RecordingConnection,
    someone: Client,
    settings: JsonObject,
    caches: dict[Resource, ObjectCache],
) -> None:
    await children.apply(settings)
    key, _ = identity(settings)
    drifted = await someone.patch(CONFIG_MAPS, key, {"data": {"a": "drifted"}})
    caches[CONFIG_MAPS].put(drifted)
    other = Children(client, caches)

    async def meanwhile(method: str, _: str) -> None:
        if method == "PATCH":
            connection.before = None
            await someone.patch(CONFIG_MAPS, key, {"data": {"a": "1"}})

    connection.requests.clear()
    connection.before = meanwhile
    assert await other.apply(settings) is Outcome.UNCHANGED
    assert connection.verbs == ["GET", "PATCH", "GET"], (
        "the PATCH was refused: it named the version that it was made for"
    )


async def test_a_child_that_is_deleted_again_and_again_is_created_with_backoff(
    children: Children,
    someone: Client,
    settings: JsonObject,
    caches: dict[Resource, ObjectCache],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contention, "BACKOFF", Backoff(first=1000.0, longest=1000.0))
    key, _ = identity(settings)
    for _ in range(AT_ONCE + 1):
        assert await children.apply(settings) is Outcome.CREATED
        await someone.delete(CONFIG_MAPS, key)
        caches[CONFIG_MAPS].remove(key)
    with pytest.raises(ContendedError, match=f"was changed or deleted {AT_ONCE + 1} times in a row"):
        await children.apply(settings)
