"""Requests to servers of others have a deadline; when it expires, the condition reports it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from unittest.mock import AsyncMock, Mock

import httpx
import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.controller.queue import WorkQueue
from rasa_environments.domain.facts import PodFacts, ServerObservation, TaggedModel
from rasa_environments.reconcile.clients import Clients
from rasa_environments.reconcile.dependencies import Dependencies, Intervals
from rasa_environments.reconcile.model_server import OBSERVE_SECONDS, ModelServerReconciler
from rasa_environments.reconcile.model_tag import PUT_SECONDS, ModelTagReconciler
from rasa_environments.reconcile.registration.registrar import REGISTRY_SECONDS
from rasa_environments.reconcile.served import ASKED_AT_A_TIME, ASKING_SECONDS, ServedModels, rasa_servers
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.runtime.reconciliations import DEADLINE_SECONDS
from tests.reconcile.clock import run
from tests.reconcile.objects import environment, server, tag
from tests.reconcile.registry_objects import desired

SERVER = ObjectKey("bots", "default")


async def forever(*_: object, **__: object) -> None:
    """A response that never comes."""
    await asyncio.sleep(3600)


@dataclass
class Bench:
    """A ModelServer whose client is the test's, and the statuses that are written."""

    client: Mock
    spec: JsonObject = field(default_factory=dict)
    written: list[JsonObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dependencies = Dependencies(client=Mock(), children=Mock(), secrets=Mock(), pods=Mock(), http=Mock())
        self.dependencies.client.patch_status = AsyncMock(side_effect=self._patched)  # type: ignore[method-assign]
        self.dependencies.client.find = AsyncMock(return_value={"metadata": {}})  # type: ignore[method-assign]
        self.dependencies.lister.servers.put(server(**self.spec))
        self.clients = Mock(spec=Clients)
        self.clients.connect = AsyncMock(return_value=self.client)
        self.clients.can_write = Mock(return_value=True)

    def _patched(self, _: object, key: ObjectKey, status: JsonObject, **__: object) -> JsonObject:
        self.written.append(status)
        known = self.dependencies.lister.servers.get(SERVER) if key == SERVER else tag("live")
        assert known is not None
        return known.model_dump(by_alias=True, exclude_none=True)

    def condition(self, kind: str) -> JsonObject:
        """The condition of a type, as it was written last."""
        conditions: list[JsonObject] = self.written[-1]["conditions"]
        return next(each for each in conditions if each["type"] == kind)

    def reconcile(self, make: Callable[[Dependencies, Clients], ModelServerReconciler | ModelTagReconciler]) -> float:
        """Return how many seconds a reconciliation took that has to be retried."""

        async def timed() -> float:
            key = SERVER if make is ModelServerReconciler else ObjectKey("bots", "live")
            result = await make(self.dependencies, self.clients).reconcile(key)
            assert result.failed
            return asyncio.get_running_loop().time()

        return run(timed())


def test_a_listing_that_takes_too_long_is_reported() -> None:
    bench = Bench(Mock(models=forever))

    assert bench.reconcile(ModelServerReconciler) == OBSERVE_SECONDS

    ready = bench.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ModelServerUnreachable")
    assert ready["message"] == (
        "the model server did not answer all questions within 60 s; check its load, and `url` of "
        "ModelServer bots/default"
    )


def test_a_tag_that_takes_too_long_to_put_is_reported() -> None:
    bench = Bench(Mock(put_tag=forever))
    bench.dependencies.lister.tags.put(tag("live"))
    bench.dependencies.observations.listed(SERVER, ServerObservation(known=True))

    reconciler = partial(ModelTagReconciler, unread=Mock(spec=UnreadServers))
    assert bench.reconcile(reconciler) == PUT_SECONDS

    assert bench.condition("Tagged")["reason"] == "ModelServerUnreachable"


def test_a_registry_that_takes_too_long_is_reported_and_all_deadlines_fit_into_that_of_the_reconciliation() -> None:
    orphaned = {"pendingTagDeletions": [{"tag": "old", "namespace": "bots", "name": "old"}]}
    client = Mock(
        models=AsyncMock(return_value=()),
        version=AsyncMock(return_value="1.0"),
        check_write=AsyncMock(),
        delete_tag=forever,
        environments=Mock(read=forever),
    )
    bench = Bench(client, {"profile": "RasaEnterprise-1.0"})
    bench.dependencies.lister.environments.put(environment("live"))
    bench.dependencies.registrations.request(desired("live", url="http://live:5005"))
    known = bench.dependencies.lister.servers.get(SERVER)
    assert known is not None
    bench.dependencies.lister.servers.put(known.model_copy(update={"status": known.status.model_validate(orphaned)}))

    async def timed() -> float:
        reconciler = ModelServerReconciler(bench.dependencies, bench.clients)
        await reconciler.reconcile(SERVER)
        return asyncio.get_running_loop().time()

    took = run(timed())

    assert took + OBSERVE_SECONDS < DEADLINE_SECONDS
    assert took >= REGISTRY_SECONDS
    result = bench.dependencies.registrations.result(ObjectKey("bots", "live"))
    assert result is not None
    assert (result.status, result.reason) == ("Unknown", Reason.MODEL_SERVER_UNREACHABLE)


def test_of_many_pods_few_are_asked_at_a_time_and_no_longer_than_is_given() -> None:
    at_once = most = 0

    async def drip(_: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            await asyncio.sleep(25)
        finally:
            at_once -= 1
        return httpx.Response(409, stream=httpx.ByteStream(b""))

    async def test() -> float:
        pods = rasa_servers([PodFacts(f"p{number}", "127.0.0.1", ready=True) for number in range(20)], 5005)
        async with httpx.AsyncClient(transport=httpx.MockTransport(drip)) as http:
            served = ServedModels(http, Intervals(), WorkQueue())
            answers, _ = await served.ask(SERVER, pods, wanted=TaggedModel("m", "h"), token="t")
        assert [answer.server for answer in answers] == [f"pod p{number}" for number in range(20)]
        assert [answer.problem is None for answer in answers] == [True] * 8 + [False] * 12
        assert answers[-1].reason == Reason.PODS_UNREACHABLE
        assert len(asyncio.all_tasks()) == 1
        return asyncio.get_running_loop().time()

    assert run(test()) == ASKING_SECONDS
    assert most == ASKED_AT_A_TIME
    assert at_once == 0


def test_questions_end_with_whoever_asks() -> None:
    async def test() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(forever)) as http:  # type: ignore[arg-type]
            served = ServedModels(http, Intervals(), WorkQueue())
            pods = rasa_servers([PodFacts("p", "127.0.0.1", ready=True)] * 3, 5005)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await served.ask(
                        SERVER, pods, wanted=TaggedModel("m", "h"), token="t", listed=(TaggedModel("m", "h"),)
                    )
            assert len(asyncio.all_tasks()) == 1

    run(test())
