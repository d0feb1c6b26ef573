"""Requests to servers of others have a deadline; when it expires, the condition reports it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.controller.queue import Result, WorkQueue
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import PodFacts, ServerObservation, TaggedModel
from rasa_environments.rasa.server import served_model
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.model_server import OBSERVE_SECONDS, ModelServerReconciler
from rasa_environments.reconcile.model_tag import PUT_SECONDS, ModelTagReconciler
from rasa_environments.reconcile.orphaned_tags import DELETE_SECONDS, OrphanedTags
from rasa_environments.reconcile.registration.file import EnvironmentsFileWriter
from rasa_environments.reconcile.registration.registrar import REGISTRY_SECONDS, Registrar
from rasa_environments.reconcile.served import ASKED_AT_A_TIME, ASKING_SECONDS, ServedModels, rasa_servers
from rasa_environments.reconcile.status import Statuses
from rasa_environments.runtime.reconciliations import DEADLINE_SECONDS
from tests.reconcile.clock import run
from tests.reconcile.fakes import (
    FakeApiServer,
    FakeChildren,
    FakeConnections,
    FakeModelServer,
    FakeRegistry,
    unasked_releases,
    verification_stages,
)
from tests.reconcile.objects import environment, server, tag
from tests.reconcile.registry_objects import desired

SERVER = ObjectKey("bots", "default")


async def forever(*_: object, **__: object) -> Any:
    """A response that never comes."""
    await asyncio.sleep(3600)


class NeverLists(FakeModelServer):
    """A model server that does not answer a listing."""

    models = forever


class NeverTags(FakeModelServer):
    """A model server that does not answer when a tag is set or removed."""

    put_tag = forever
    delete_tag = forever


class NeverReads(FakeRegistry):
    """A registry that does not answer."""

    read = forever


@dataclass
class Bench:
    """A ModelServer whose model server is the test's, and the statuses that are written."""

    model_server: FakeModelServer
    spec: JsonObject = field(default_factory=dict)
    state: State = field(default_factory=State)
    api: FakeApiServer = field(default_factory=FakeApiServer)

    def __post_init__(self) -> None:
        self.state.lister.servers.put(server(**self.spec))
        self.api.objects["Namespace", ObjectKey("", "bots")] = {"metadata": {}}
        self.statuses = Statuses(self.api, self.state.lister)
        self.clients = FakeConnections(self.model_server)

    async def reconcile_server(self) -> Result:
        """Reconcile the ModelServer."""
        state, clients, statuses = self.state, self.clients, self.statuses
        registrar = Registrar(state, clients, statuses, EnvironmentsFileWriter(FakeChildren(), self.api))
        orphans = OrphanedTags(state, clients, self.api)
        reconciler = ModelServerReconciler(state, clients, statuses, registrar, orphans, Intervals())
        return await reconciler.reconcile(SERVER)

    async def reconcile_tag(self) -> Result:
        """Reconcile the ModelTag."""
        reconciler = ModelTagReconciler(
            self.state, self.clients, self.statuses, unasked_releases(self.state), verification_stages(self.state)
        )
        return await reconciler.reconcile(ObjectKey("bots", "live"))

    def condition(self, kind: str) -> JsonObject:
        """The condition of a type, as it was written last."""
        conditions: list[JsonObject] = self.api.statuses[-1]["conditions"]
        return next(each for each in conditions if each["type"] == kind)


def seconds(reconciliation: Coroutine[Any, Any, Result]) -> float:
    """Return how many seconds a reconciliation took that has to be retried."""

    async def timed() -> float:
        assert (await reconciliation).failed
        return asyncio.get_running_loop().time()

    return run(timed())


def test_a_listing_that_takes_too_long_is_reported() -> None:
    bench = Bench(NeverLists())

    assert seconds(bench.reconcile_server()) == OBSERVE_SECONDS

    ready = bench.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ModelServerUnreachable")
    assert ready["message"] == (
        "the model server did not answer all questions within 60 s; check its load, and `url` of "
        "ModelServer bots/default"
    )


def test_a_tag_that_takes_too_long_to_put_is_reported() -> None:
    bench = Bench(NeverTags())
    bench.state.lister.tags.put(tag("live"))
    bench.state.observations.listed(SERVER, ServerObservation(known=True))

    assert seconds(bench.reconcile_tag()) == PUT_SECONDS

    assert bench.condition("Tagged")["reason"] == "ModelServerUnreachable"


def test_a_registry_that_takes_too_long_is_reported_and_all_deadlines_fit_into_that_of_the_reconciliation() -> None:
    orphaned = {"pendingTagDeletions": [{"tag": "old", "namespace": "bots", "name": "old"}]}
    model_server = NeverTags({"m": "1"}, {"old": "m"}, environments=NeverReads())
    bench = Bench(model_server, {"profile": "RasaEnterprise-1.0"})
    bench.state.lister.environments.put(environment("live"))
    bench.state.registrations.request(desired("live", url="http://live:5005"))
    known = bench.state.lister.servers.get(SERVER)
    assert known is not None
    bench.state.lister.servers.put(known.model_copy(update={"status": known.status.model_validate(orphaned)}))

    async def timed() -> float:
        await bench.reconcile_server()
        return asyncio.get_running_loop().time()

    took = run(timed())

    assert took + OBSERVE_SECONDS < DEADLINE_SECONDS
    assert took >= REGISTRY_SECONDS + DELETE_SECONDS
    result = bench.state.registrations.result(ObjectKey("bots", "live"))
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
            served = ServedModels(partial(served_model, http), Intervals(), WorkQueue())
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
        async with httpx.AsyncClient(transport=httpx.MockTransport(forever)) as http:
            served = ServedModels(partial(served_model, http), Intervals(), WorkQueue())
            pods = rasa_servers([PodFacts("p", "127.0.0.1", ready=True)] * 3, 5005)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await served.ask(
                        SERVER, pods, wanted=TaggedModel("m", "h"), token="t", listed=(TaggedModel("m", "h"),)
                    )
            assert len(asyncio.all_tasks()) == 1

    run(test())
