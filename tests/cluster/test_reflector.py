"""A cache follows the API server, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from local.cluster import LocalCluster
from local.flavour import choose_flavour
from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster import client as client_module
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import CONFIG_MAPS, SECRETS
from tests.cluster.conftest import make_namespace
from tests.cluster.line import Line, RecordingConnection, eventually, kubeconfig_with
from tests.cluster.objects import config_map, secret

if TYPE_CHECKING:
    from pathlib import Path


class Changes:
    """Records notifications of a reflector."""

    def __init__(self) -> None:
        self.told: list[tuple[str, JsonObject | None]] = []

    def __call__(self, key: ObjectKey, obj: JsonObject | None) -> None:
        self.told.append((key.name, obj))

    @property
    def names(self) -> list[str]:
        """The objects notified of, in order."""
        return [name for name, _ in self.told]

    def data_of(self, name: str) -> list[object]:
        """Return the data of one object at each time; None when it was deleted."""
        return [None if obj is None else obj.get("data") for told, obj in self.told if told == name]


@pytest.fixture
def cache() -> ObjectCache:
    """An empty cache."""
    return ObjectCache()


@pytest.fixture
def changes() -> Changes:
    """A recorder without notifications."""
    return Changes()


@contextlib.asynccontextmanager
async def running(reflector: Reflector) -> AsyncIterator[Reflector]:
    """The reflector, synced."""
    task = asyncio.create_task(reflector.run())
    try:
        async with asyncio.timeout(30):
            await reflector.synced.wait()
        yield reflector
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled(), "it follows until it is cancelled"


async def test_it_tells_what_is_there_what_comes_changes_and_goes(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    await someone.create(CONFIG_MAPS, config_map("old", {"a": "1"}, namespace=namespace))
    async with running(Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace,))):
        assert "old" in changes.names
        await someone.create(CONFIG_MAPS, config_map("new", {"a": "1"}, namespace=namespace))
        await someone.patch(CONFIG_MAPS, ObjectKey(namespace, "new"), {"data": {"a": "2"}})
        await someone.delete(CONFIG_MAPS, ObjectKey(namespace, "new"))
        await eventually(lambda: None in changes.data_of("new"), "the deletion to be told")
    assert changes.data_of("new") == [{"a": "1"}, {"a": "2"}, None]
    assert cache.get(ObjectKey(namespace, "new")) is None
    assert cache.get(ObjectKey(namespace, "old")) is not None


async def test_it_does_not_tell_what_the_cache_has_already(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    cache.put(await someone.create(CONFIG_MAPS, config_map("ours", namespace=namespace)))
    await someone.create(CONFIG_MAPS, config_map("theirs", namespace=namespace))
    async with running(Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace,))):
        assert "theirs" in changes.names
        assert "ours" not in changes.names


async def test_a_deletion_while_the_line_was_cut_is_found(
    distant: Client, line: Line, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    for name in ("kept", "deleted", "changed"):
        await someone.create(CONFIG_MAPS, config_map(name, {"a": "1"}, namespace=namespace))
    async with running(Reflector(distant, CONFIG_MAPS, cache, changes, namespaces=(namespace,))):
        changes.told.clear()
        line.cut()
        await someone.delete(CONFIG_MAPS, ObjectKey(namespace, "deleted"))
        await someone.patch(CONFIG_MAPS, ObjectKey(namespace, "changed"), {"data": {"a": "2"}})
        line.mend()
        await eventually(lambda: len(changes.told) >= 2, "what happened meanwhile to be told")
    assert changes.data_of("deleted") == [None]
    assert changes.data_of("changed") == [{"a": "2"}]
    assert "kept" not in changes.names


async def test_a_deletion_before_the_api_server_crashed_is_found(
    tmp_path: Path, cache: ObjectCache, changes: Changes
) -> None:
    if choose_flavour() == "kind":
        pytest.skip("the API server of kind cannot be stopped")
    with contextlib.ExitStack() as stack:
        own = LocalCluster()
        facts = await asyncio.to_thread(stack.enter_context, own)
        async with (
            Line(facts.server) as line,
            await Client.connect(str(facts.kubeconfig)) as someone,
            await Client.connect(
                kubeconfig_with(facts.kubeconfig, tmp_path / "distant", server=line.address)
            ) as distant,
        ):
            namespace = await make_namespace(someone)
            for name in ("kept", "deleted"):
                await someone.create(CONFIG_MAPS, config_map(name, namespace=namespace))
            async with running(Reflector(distant, CONFIG_MAPS, cache, changes)):
                changes.told.clear()
                line.cut()
                await someone.delete(CONFIG_MAPS, ObjectKey(namespace, "deleted"))
                await asyncio.to_thread(own.stop_api_server)
                await asyncio.to_thread(own.start_api_server)
                line.mend()
                await eventually(lambda: "deleted" in changes.names, "the deletion to be told", 60)
    assert changes.data_of("deleted") == [None]
    assert "kept" not in changes.names


async def test_when_the_server_ends_a_watch_it_continues_without_another_list(
    monkeypatch: pytest.MonkeyPatch,
    connection: RecordingConnection,
    client: Client,
    someone: Client,
    namespace: str,
    cache: ObjectCache,
    changes: Changes,
) -> None:
    monkeypatch.setattr(client_module, "WATCH_SECONDS", (1, 1))
    watches = 0
    watch = client.watch

    def counted(*args: object, **options: object) -> object:
        nonlocal watches
        watches += 1
        return watch(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "watch", counted)
    async with running(Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace,))):
        await eventually(lambda: watches >= 3, "the second watch to end")
        await someone.create(CONFIG_MAPS, config_map("new", namespace=namespace))
        await eventually(lambda: "new" in changes.names, "a change after that to be told")
    assert connection.verbs == ["GET"], "one list, and only watches since"


async def test_a_version_that_is_too_old_makes_it_list_again(
    monkeypatch: pytest.MonkeyPatch,
    connection: RecordingConnection,
    client: Client,
    someone: Client,
    namespace: str,
    cache: ObjectCache,
    changes: Changes,
) -> None:
    watch = client.watch
    refused: list[str] = []

    def once_too_old(*args: object, resource_version: str, **options: object) -> object:
        if not refused:
            refused.append(resource_version)
            raise ApiError(410, "Expired", "too old resource version")
        return watch(*args, resource_version=resource_version, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "watch", once_too_old)
    async with running(Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace,))):
        await someone.create(CONFIG_MAPS, config_map("new", namespace=namespace))
        await eventually(lambda: "new" in changes.names, "a list to tell it")
    assert connection.verbs == ["GET", "GET"], "two lists"


async def test_only_the_named_namespaces_are_followed(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    second, unwatched = await make_namespace(someone), await make_namespace(someone)
    async with running(Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace, second))):
        for number, there in enumerate((unwatched, namespace, second)):
            await someone.create(CONFIG_MAPS, config_map(f"new-{number}", namespace=there))
        await eventually(lambda: {"new-1", "new-2"} <= set(changes.names), "both namespaces to tell")
    assert "new-0" not in changes.names


async def test_only_what_is_selected_is_followed(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    labelled = config_map("labelled", namespace=namespace)
    labelled["metadata"]["labels"] = {"mine": "yes"}
    async with running(
        Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace,), label_selector="mine=yes")
    ):
        await someone.create(CONFIG_MAPS, config_map("other", namespace=namespace))
        await someone.create(CONFIG_MAPS, labelled)
        await eventually(lambda: "labelled" in changes.names, "the labelled one to be told")
    assert changes.names == ["labelled"]


async def test_where_only_metadata_is_followed_no_content_comes(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    await someone.create(SECRETS, secret("old", namespace, {"token": "x"}))
    async with running(Reflector(client, SECRETS, cache, changes, namespaces=(namespace,), metadata_only=True)):
        await someone.create(SECRETS, secret("new", namespace, {"token": "x"}))
        await eventually(lambda: "new" in changes.names, "the new one to be told")
    for name in ("old", "new"):
        kept = cache.get(ObjectKey(namespace, name))
        assert kept is not None
        assert (kept["apiVersion"], kept["kind"]) == ("v1", "Secret")
        assert "data" not in kept


async def test_the_last_contact_moves_with_each_event(
    client: Client, someone: Client, namespace: str, cache: ObjectCache, changes: Changes
) -> None:
    async with running(Reflector(client, CONFIG_MAPS, cache, changes, namespaces=(namespace,))) as reflector:
        before = reflector.last_contact
        await someone.create(CONFIG_MAPS, config_map("new", namespace=namespace))
        await eventually(lambda: reflector.last_contact > before, "the contact to be noted")
