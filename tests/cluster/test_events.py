"""Events on the real API server, and their number when the server fails or an object never comes to rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from rasa_environments.api.base import API_VERSION, JsonObject, ObjectKey
from rasa_environments.cluster import events
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.events import (
    ATTEMPTS,
    CONTROLLER,
    MAXIMUM_EVENTS,
    MAXIMUM_WAITING,
    SERIES_PAUSE_SECONDS,
    SERIES_WINDOW,
    EventWriter,
    Written,
)
from rasa_environments.cluster.resources import EVENTS, Resource
from rasa_environments.judge.events import Action, Event, EventReason, ObjectReference
from tests.reconcile.clock import run, settled

TIME = "2026-01-01T00:00:00Z"
START = datetime(2026, 1, 1, tzinfo=UTC)


def served(note: str = "serves model-1", moment: str = TIME, reason: str = EventReason.MODEL_SERVED) -> Event:
    """Report that an environment serves its model."""
    deployment = ObjectReference("apps/v1", "Deployment", "bots", "support-rasa")
    return Event("Normal", reason, Action.CHECK_MODEL, note, moment, deployment)


def support(namespace: str = "bots", uid: str = "uid-1") -> ObjectReference:
    """An environment."""
    return ObjectReference(API_VERSION, "DeploymentEnvironment", namespace, "support", uid)


@asynccontextmanager
async def writing(client: Client) -> AsyncIterator[EventWriter]:
    """Run a writer; at the end, it has written everything due."""
    writer = EventWriter(client, "operator-0")
    task = asyncio.create_task(writer.run())
    yield writer
    await writer.drained(10)
    task.cancel()


async def written(client: Client, namespace: str) -> list[JsonObject]:
    """The Events in the namespace."""
    return (await client.list(EVENTS, namespace)).items


async def test_an_event_says_what_happened_to_whom(client: Client, namespace: str) -> None:
    async with writing(client) as writer:
        writer.record(support(namespace), [served()])

    (event,) = await written(client, namespace)
    assert event["regarding"] == {
        "apiVersion": API_VERSION,
        "kind": "DeploymentEnvironment",
        "namespace": namespace,
        "name": "support",
        "uid": "uid-1",
    }
    assert (event["type"], event["reason"], event["action"]) == ("Normal", "ModelServed", "CheckModel")
    assert (event["note"], event["related"]["name"]) == ("serves model-1", "support-rasa")
    assert (event["reportingController"], event["reportingInstance"]) == (CONTROLLER, "operator-0")
    assert "series" not in event


async def test_the_longest_note_and_name_are_taken(client: Client, namespace: str) -> None:
    regarding = ObjectReference(API_VERSION, "ModelTag", namespace, "a" * 253, "uid-1")
    async with writing(client) as writer:
        writer.record(regarding, [served("ä" * 5000)])

    (event,) = await written(client, namespace)
    assert len(event["note"].encode()) <= 1024


async def test_what_another_process_has_told_already_is_not_doubled(client: Client, namespace: str) -> None:
    async with writing(client) as first, writing(client) as second:
        first.record(support(namespace), [served()])
        second.record(support(namespace), [served()])

    assert len(await written(client, namespace)) == 1


async def test_what_happens_again_is_counted_in_a_series(client: Client, namespace: str) -> None:
    async with writing(client) as writer:
        for number in range(3):
            writer.record(support(namespace), [served(moment=str(number))])

    (event,) = await written(client, namespace)
    assert event["series"]["count"] == 3
    assert event["series"]["lastObservedTime"] >= event["eventTime"]


async def test_a_series_is_patched_into_an_event_that_is_there(
    client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SERIES_PAUSE_SECONDS", 0.0)
    async with writing(client) as writer:
        writer.record(support(namespace), [served(moment="1")])
        await writer.drained(10)
        writer.record(support(namespace), [served(moment="2")])

    (event,) = await written(client, namespace)
    assert event["series"]["count"] == 2
    assert event["note"] == "serves model-1"


@dataclass
class FakeServer:
    """An API server that answers as a test says, on a clock that does not wait."""

    fault: Callable[[], Exception | None] = lambda: None
    created: list[JsonObject] = field(default_factory=list)
    patches: list[tuple[str, JsonObject]] = field(default_factory=list)
    asked: int = 0

    async def create(self, resource: Resource, obj: JsonObject) -> JsonObject:
        """Keeps the Event."""
        self._ask(resource)
        self.created.append(obj)
        return obj

    async def patch(self, resource: Resource, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """Keeps the patch."""
        self._ask(resource)
        self.patches.append((key.name, patch))
        return patch

    def _ask(self, resource: Resource) -> None:
        assert resource == EVENTS
        self.asked += 1
        fault = self.fault()
        if fault is not None:
            raise fault


class Scene:
    """A writer, whose clock is that of the event loop."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.counted: list[Written] = []
        self.writer = EventWriter(server, "operator-0", self.counted.append, self.now)  # type: ignore[arg-type] # of its shape

    def now(self) -> datetime:
        """The time."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())


def play(server: FakeServer, story: Callable[[Scene], Awaitable[None]]) -> Scene:
    """Play a story with a running writer, and two more minutes."""

    async def test() -> Scene:
        scene = Scene(server)
        task = asyncio.create_task(scene.writer.run())
        await story(scene)
        await asyncio.sleep(120)
        task.cancel()
        return scene

    return run(test())


def test_an_object_that_flaps_for_an_hour_costs_one_event_and_a_patch_now_and_then() -> None:
    async def flap(scene: Scene) -> None:
        for second in range(3600):
            scene.writer.record(support(), [served(moment=str(second))])
            await asyncio.sleep(1)

    scene = play(server := FakeServer(), flap)

    assert len(server.created) == 1
    assert len(server.patches) <= 3600 / SERIES_PAUSE_SECONDS + 1
    assert server.patches[-1][1]["series"]["count"] == 3600
    assert set(scene.counted) == {Written.WRITTEN}


def test_an_object_whose_notes_always_differ_gets_no_more_than_its_share() -> None:
    async def flap(scene: Scene) -> None:
        for second in range(300):
            scene.writer.record(support(), [served(f"serves model-{second}", str(second))])
            await asyncio.sleep(1)

    server = FakeServer()
    play(server, flap)

    assert len(server.created) == MAXIMUM_EVENTS
    assert server.patches[-1] == (server.created[-1]["metadata"]["name"], server.patches[-1][1])
    assert server.patches[-1][1]["series"]["count"] == 300 - MAXIMUM_EVENTS + 1


def test_another_reason_is_reported_even_of_an_object_that_has_had_its_share() -> None:
    async def flap(scene: Scene) -> None:
        for number in range(MAXIMUM_EVENTS):
            scene.writer.record(support(), [served(f"serves model-{number}", str(number))])
        scene.writer.record(support(), [served(reason=EventReason.TOKEN_ROTATED)])
        await settled()

    server = FakeServer()
    play(server, flap)

    assert server.created[-1]["reason"] == "TokenRotated"


def test_after_ten_minutes_it_is_a_new_event() -> None:
    async def twice(scene: Scene) -> None:
        scene.writer.record(support(), [served(moment="1")])
        await asyncio.sleep(SERIES_WINDOW.total_seconds() + 1)
        scene.writer.record(support(), [served(moment="2")])

    server = FakeServer()
    play(server, twice)

    assert len({event["metadata"]["name"] for event in server.created}) == 2
    assert server.patches == []


def test_nothing_is_kept_of_objects_to_which_nothing_happens() -> None:
    kept: list[int] = []

    async def many(scene: Scene) -> None:
        for number in range(100):
            scene.writer.record(support(uid=str(number)), [served()])
        await asyncio.sleep(SERIES_WINDOW.total_seconds() + 1)
        scene.writer.record(support(uid="last"), [served()])
        kept.append(len(scene.writer._recent))

    play(FakeServer(), many)

    assert kept == [1]


def faults(*errors: Exception) -> Callable[[], Exception | None]:
    """These errors, one after the other, and none from then on."""
    remaining: Iterator[Exception] = iter(errors)
    return lambda: next(remaining, None)


AWAY = ApiError(503, "ServiceUnavailable", "")
DENIED = ApiError(403, "Forbidden", "no right")


def record_one(scene: Scene) -> Awaitable[None]:
    """One Event is recorded."""
    scene.writer.record(support(), [served()])
    return settled()


@pytest.mark.parametrize("fault", [AWAY, ApiError(0, "Unreachable", "no answer"), ApiError(429, "TooManyRequests", "")])
def test_what_fails_for_a_while_is_tried_again(fault: ApiError) -> None:
    server = FakeServer(faults(fault, fault))

    scene = play(server, record_one)

    assert (len(server.created), scene.counted) == (1, [Written.WRITTEN])


@pytest.mark.parametrize(
    ("errors", "asked"),
    [([AWAY] * 10, ATTEMPTS), ([DENIED], 1), ([TypeError("a fault of the operator")], 1)],
    ids=["away for long", "denied", "fault"],
)
def test_what_cannot_be_written_is_counted_logged_and_given_up(
    errors: Sequence[Exception], asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer(faults(*errors))

    scene = play(server, record_one)

    assert (server.asked, scene.counted) == (asked, [Written.FAILED])
    assert "not written" in caplog.text


def test_a_right_that_lacks_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def many(scene: Scene) -> None:
        for number in range(50):
            scene.writer.record(support(uid=str(number)), [served()])
        await settled()

    scene = play(FakeServer(lambda: DENIED), many)

    assert scene.counted == [Written.FAILED] * 50
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_what_happens_after_a_failure_is_a_new_event() -> None:
    async def twice(scene: Scene) -> None:
        scene.writer.record(support(), [served(moment="1")])
        await settled()
        scene.writer.record(support(), [served(moment="2")])
        await settled()

    server = FakeServer(faults(DENIED))
    play(server, twice)

    assert len(server.created) == 1


def test_recording_never_waits_and_what_waits_is_bounded() -> None:
    async def flood(scene: Scene) -> None:
        for number in range(MAXIMUM_WAITING + 100):
            scene.writer.record(support(uid=str(number)), [served()])
        await settled()

    scene = play(FakeServer(), flood)

    assert scene.counted.count(Written.DROPPED) == 100
    assert scene.counted.count(Written.WRITTEN) == MAXIMUM_WAITING
