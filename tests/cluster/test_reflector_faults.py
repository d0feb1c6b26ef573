"""The cache follows the API server whatever it answers and objects contain, without tight loops and without ending."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster import reflector as reflector_module
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Listing, Rejected, WatchEvent
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import CONFIG_MAPS
from tests.cluster.line import eventually
from tests.cluster.objects import config_map

Answer = WatchEvent | Rejected | Exception
HELD = asyncio.Event
"""At the end of a watch: it stays open."""


class ScriptedClient:
    """Answers each list and watch with the next item; the last one is repeated forever."""

    def __init__(self, lists: list[Listing | Exception], watches: list[list[Answer | type[HELD]]]) -> None:
        self.lists, self.watches = lists, watches
        self.requests: list[str] = []
        self.times: list[float] = []

    async def pages(self, *_: Any, **__: Any) -> AsyncIterator[Listing]:
        self._note("list")
        answer = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(answer, Exception):
            raise answer
        yield answer

    async def watch(self, *_: Any, opened: Callable[[], None], **__: Any) -> AsyncIterator[WatchEvent | Rejected]:
        self._note("watch")
        opened()
        for answer in self.watches.pop(0) if len(self.watches) > 1 else self.watches[0]:
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, type):
                await asyncio.Event().wait()
            else:
                yield answer

    def _note(self, request: str) -> None:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())


class Handler:
    """Records notifications, and raises an error for objects called `poison`."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, key: ObjectKey, _: JsonObject | None) -> None:
        if key.name == "poison":
            raise RuntimeError(key.name)
        self.told.append(key.name)


def listed(*names: str, version: int = 1, rejected: tuple[Rejected, ...] = ()) -> Listing:
    """A listing of ConfigMaps with these names."""
    return Listing([config_map(name, version=version) for name in names], str(version), rejected)


def added(name: str, version: int) -> WatchEvent:
    """Return the next item."""
    return WatchEvent("ADDED", config_map(name, version=version))


@contextlib.asynccontextmanager
async def following(client: ScriptedClient, handler: Handler, cache: ObjectCache) -> AsyncIterator[Reflector]:
    """Run a reflector with that client until it is cancelled; nothing else may end it."""
    reflector = Reflector(client, CONFIG_MAPS, cache, handler)  # type: ignore[arg-type]
    task = asyncio.create_task(reflector.run())
    try:
        yield reflector
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
def cache() -> ObjectCache:
    """Empty."""
    return ObjectCache()


@pytest.fixture
def handler() -> Handler:
    """A recorder without notifications."""
    return Handler()


async def test_an_object_that_cannot_be_handled_is_skipped_and_named(
    cache: ObjectCache, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    client = ScriptedClient([listed("poison", "a")], [[added("poison", 2), added("b", 3), HELD]])
    async with following(client, handler, cache) as reflector:
        await eventually(lambda: handler.told == ["a", "b"], "all others to be told")
        assert reflector.skipped == 2
    assert client.requests == ["list", "watch"]
    assert "ConfigMap bots/poison skipped" in caplog.text


async def test_an_object_that_cannot_be_kept_is_skipped_and_its_last_version_stays(handler: Handler) -> None:
    def project(obj: JsonObject) -> JsonObject:
        return {"x": obj["data"]["x"]}

    cache = ObjectCache(project)
    valid, odd = config_map("a", {"x": "1"}, version=1), config_map("a", version=2)
    client = ScriptedClient([Listing([valid], "1")], [[WatchEvent("MODIFIED", odd), added("poison", 3), HELD]])
    async with following(client, handler, cache) as reflector:
        await eventually(lambda: reflector.skipped == 2, "both to be skipped")
        assert cache.get(ObjectKey("bots", "a")) == {"x": "1"}


async def test_of_a_rejected_object_the_last_version_stays_also_when_it_is_listed(
    cache: ObjectCache, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    key = ObjectKey("bots", "a")
    bad = (Rejected(key, 5, "spec is not an object"), Rejected(None, 0, "it is a str, not an object"))
    client = ScriptedClient(
        [listed("a"), listed("b", version=9, rejected=bad)], [[bad[0], ApiError(410, "Expired", "")], [HELD]]
    )
    async with following(client, handler, cache) as reflector:
        await eventually(lambda: client.requests == ["list", "watch", "list", "watch"], "it to be listed again")
        assert cache.version(key) == 1
        assert handler.told == ["a", "b"]
        assert reflector.skipped == 3
    assert "ConfigMap bots/a skipped: spec is not an object" in caplog.text
    assert "ConfigMap without a name skipped: it is a str, not an object" in caplog.text


async def test_after_an_event_without_an_object_everything_is_listed(cache: ObjectCache, handler: Handler) -> None:
    client = ScriptedClient([listed("a"), listed("a", "b")], [[Rejected(None, 0, "it is a list")], [HELD]])
    async with following(client, handler, cache):
        await eventually(lambda: handler.told == ["a", "b"], "it to be listed again")


FAULTS = [
    ApiError(410, "Expired", "too old"),
    ApiError(404, "NotFound", "the server could not find the requested resource"),
    ApiError(503, "ServiceUnavailable", ""),
    ApiError(0, "Unreachable", "an answer is not JSON"),
    RuntimeError("a fault of the operator"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_after_a_failed_watch_everything_is_listed_at_once(
    cache: ObjectCache, handler: Handler, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflector_module, "_BACKOFF", Backoff(first=1000.0, longest=1000.0))
    client = ScriptedClient([listed("a"), listed("a", "b")], [[fault], [HELD]])
    async with following(client, handler, cache) as reflector:
        await eventually(lambda: client.requests == ["list", "watch", "list", "watch"], "it to be listed again")
        assert handler.told == ["a", "b"]
        await eventually(lambda: reflector.failure is None, "the contact to be regained")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("where", ["list", "watch"])
async def test_a_fault_that_stays_is_reported_and_tried_again_with_backoff(
    cache: ObjectCache, handler: Handler, fault: Exception, where: str
) -> None:
    lists: list[Listing | Exception] = [fault if where == "list" else listed("a")]
    client = ScriptedClient(lists, [[fault]])
    async with following(client, handler, cache) as reflector:
        await asyncio.sleep(1)
        assert reflector.failure
        told = "is their CRD installed?" if "NotFound" in str(fault) else str(fault)
        assert told in reflector.failure
        assert reflector.synced.is_set() is (where == "watch")
    assert client.requests.count(where) <= 5


async def test_a_watch_that_ends_at_once_is_opened_again_with_backoff(cache: ObjectCache, handler: Handler) -> None:
    client = ScriptedClient([listed("a")], [[]])
    async with following(client, handler, cache) as reflector:
        await eventually(lambda: reflector.failure is not None, "it to be noted")
        assert "ends each watch soon after it was opened" in str(reflector.failure)
    assert client.requests.count("list") == 1
    assert client.requests.count("watch") <= 5


async def test_a_watch_that_works_clears_the_failure(cache: ObjectCache, handler: Handler) -> None:
    client = ScriptedClient([ApiError(503, "ServiceUnavailable", ""), listed("a")], [[HELD]])
    async with following(client, handler, cache) as reflector:
        with pytest.raises(ApiError, match="ServiceUnavailable"):
            await reflector.ready()
        assert reflector.failure == "ServiceUnavailable"
        await reflector.synced.wait()
        await reflector.ready()
        await eventually(lambda: reflector.failure is None, "the contact to be regained")


async def test_one_that_is_stopped_keeps_nobody_waiting(cache: ObjectCache, handler: Handler) -> None:
    never: Callable[..., Any] = asyncio.Event().wait

    class Silent(ScriptedClient):
        async def pages(self, *_: Any, **__: Any) -> AsyncIterator[Listing]:
            await never()
            yield listed()

    async with following(Silent([], []), handler, cache) as reflector:
        waiting = asyncio.create_task(reflector.ready())
        await asyncio.sleep(0)
    with pytest.raises(ApiError, match="configmaps are no longer watched"):
        await waiting
