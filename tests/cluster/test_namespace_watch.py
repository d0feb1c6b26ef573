"""A cache follows one namespace by a watch alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster import client as client_module
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client, WatchEvent
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.namespace_watch import NamespaceWatch
from rasa_environments.cluster.resources import CONFIG_MAPS
from tests.cluster.line import Line, RecordingConnection, eventually
from tests.cluster.objects import config_map


class Changes:
    """What a watch told: the name, and whether the object is there."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def __call__(self, key: ObjectKey, obj: JsonObject | None) -> None:
        self.told.append((key.name, obj is not None))


@pytest.fixture
def cache() -> ObjectCache:
    """Empty."""
    return ObjectCache()


@pytest.fixture
def changes() -> Changes:
    """Nothing yet."""
    return Changes()


@contextlib.asynccontextmanager
async def running(watch: NamespaceWatch) -> AsyncIterator[NamespaceWatch]:
    """The watch, under way."""
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.wait({task})


def watching(client: Client, namespace: str, cache: ObjectCache, changes: Changes) -> NamespaceWatch:
    """A watch of the namespace's ConfigMaps but the one that Kubernetes puts into each."""
    return NamespaceWatch(
        client, CONFIG_MAPS, namespace, cache, changes, field_selector="metadata.name!=kube-root-ca.crt"
    )


async def test_it_tells_what_is_there_what_comes_changes_and_goes_and_lists_nothing(
    client: Client,
    connection: RecordingConnection,
    someone: Client,
    namespace: str,
    cache: ObjectCache,
    changes: Changes,
) -> None:
    await someone.create(CONFIG_MAPS, config_map("old", namespace=namespace))
    async with running(watching(client, namespace, cache, changes)) as watch:
        await watch.opened()
        await eventually(lambda: ("old", True) in changes.told, "what was there to be told")
        await someone.create(CONFIG_MAPS, config_map("new", namespace=namespace))
        await someone.patch(CONFIG_MAPS, ObjectKey(namespace, "new"), {"data": {"a": "2"}})
        await someone.delete(CONFIG_MAPS, ObjectKey(namespace, "new"))
        await eventually(lambda: ("new", False) in changes.told, "the deletion to be told")
    assert changes.told == [("old", True), ("new", True), ("new", True), ("new", False)]
    assert connection.requests == [], "nothing but watches"


async def test_what_changes_after_it_opened_is_told(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    async with running(watching(client, namespace, cache, changes)) as watch:
        await watch.opened()
        await someone.create(CONFIG_MAPS, config_map("new", namespace=namespace))
        await eventually(lambda: ("new", True) in changes.told, "it to be told")


async def test_what_the_operator_wrote_itself_is_not_told(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    cache.put(await someone.create(CONFIG_MAPS, config_map("ours", namespace=namespace)))
    async with running(watching(client, namespace, cache, changes)) as watch:
        await watch.opened()
        changes.told.clear()
        cache.put(await someone.patch(CONFIG_MAPS, ObjectKey(namespace, "ours"), {"data": {"a": "1"}}))
        await someone.create(CONFIG_MAPS, config_map("theirs", namespace=namespace))
        await eventually(lambda: ("theirs", True) in changes.told, "theirs to be told")
    assert "ours" not in [name for name, there in changes.told if not there]


async def test_a_change_while_the_line_was_cut_is_told(
    distant: Client, line: Line, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    for name in ("deleted", "changed"):
        await someone.create(CONFIG_MAPS, config_map(name, namespace=namespace))
    async with running(watching(distant, namespace, cache, changes)):
        await eventually(lambda: len(changes.told) == 2, "both to be told")
        changes.told.clear()
        line.cut()
        await someone.delete(CONFIG_MAPS, ObjectKey(namespace, "deleted"))
        await someone.patch(CONFIG_MAPS, ObjectKey(namespace, "changed"), {"data": {"a": "2"}})
        line.mend()
        await eventually(lambda: changes.told[-1:] == [("changed", True)], "the change to be told")
    assert ("deleted", False) in changes.told
    assert cache.get(ObjectKey(namespace, "deleted")) is None
    assert (cache.get(ObjectKey(namespace, "changed")) or {})["data"] == {"a": "2"}


async def test_a_version_that_is_too_old_makes_it_forget_and_begin_again(
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    someone: Client,
    namespace: str,
    cache: ObjectCache,
    changes: Changes,
) -> None:
    monkeypatch.setattr(client_module, "_WATCH_SECONDS", (1, 1))
    watch = client.watch
    refused: list[str] = []

    def once_too_old(*args: object, resource_version: str, **options: object) -> object:
        if resource_version and not refused:
            refused.append(resource_version)
            raise ApiError(410, "Expired", "too old resource version")
        return watch(*args, resource_version=resource_version, **options)  # type: ignore[arg-type]

    await someone.create(CONFIG_MAPS, config_map("there", namespace=namespace))
    monkeypatch.setattr(client, "watch", once_too_old)
    async with running(watching(client, namespace, cache, changes)):
        await eventually(lambda: changes.told == [("there", True)], "it to be told")
        await someone.patch(CONFIG_MAPS, ObjectKey(namespace, "there"), {"data": {"a": "1"}})
        await eventually(lambda: changes.told[-2:] == [("there", False), ("there", True)], "it to be told anew")
    assert len(refused) == 1


async def test_who_waits_for_a_watch_that_is_refused_is_told(
    client: Client, namespace: str, cache: ObjectCache, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> object:
        raise ApiError(403, "Forbidden", "you may not watch this")

    monkeypatch.setattr(client, "watch", forbidden)
    async with running(watching(client, namespace, cache, changes)) as watch:
        with pytest.raises(ApiError, match="you may not watch this"):
            await watch.opened()


async def test_a_server_that_went_back_in_time_makes_it_begin_again(
    client: Client, namespace: str, cache: ObjectCache, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginnings = []

    async def restored(*_: object, resource_version: str, **__: object) -> AsyncIterator[WatchEvent]:
        beginnings.append(resource_version)
        yield WatchEvent("MODIFIED", config_map("a", namespace=namespace, version=100 - len(beginnings)))
        yield WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "50"}})

    monkeypatch.setattr(client, "watch", restored)
    async with running(watching(client, namespace, cache, changes)):
        await eventually(lambda: len(beginnings) >= 2, "a second watch")
    assert beginnings[:2] == ["", ""]
    assert (cache.version(ObjectKey(namespace, "a")) or 0) < 99
