"""A pod with several worker processes: one answer is no proof, so each one is asked, or the reason is reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.controller.queue import WorkQueue
from rasa_environments.domain.facts import PodFacts, ProbeResult, TaggedModel
from rasa_environments.rasa.server import served_model
from rasa_environments.rasa.transport import http_client
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.served import ServedModels, rasa_servers
from rasa_environments.reconcile.workers import PROBES_PER_WORKER

NEW, OLD = TaggedModel("20260101-120000", "new"), TaggedModel("20250101-120000", "old")
ROLL = "set spec.model.updateStrategy to RollingUpdate"


@dataclass
class Pod:
    """A Rasa server whose worker processes answer in turn, each on clients of its own."""

    workers: Sequence[str | None] = (NEW.name,)
    """What each of them serves; None: no model."""
    tells: bool = True
    """Whether /status says which worker answers, as of Rasa Pro 3.21."""
    deaf: int = 0
    """How many of the workers get no request, because others are faster."""
    port: int = 0
    asked: int = 0
    clients: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._turns = cycle(range(len(self.workers) - self.deaf))

    async def status(self, request: web.Request) -> web.Response:
        """`GET /status` of the worker whose turn it is."""
        self.asked += 1
        self.clients.append(request.transport)
        worker = next(self._turns)
        model = self.workers[worker]
        if model is None:
            return web.json_response({"reason": "NoAgent"}, status=409)
        pid = {"worker_pid": 40 + worker} if self.tells else {}
        return web.json_response({"model_file": f"/tmp/{model}.tar.gz", "model_id": "a1", **pid})


async def look(pod: Pod, workers: int | None, *, started_for: str | None = None) -> ProbeResult:
    """Return what the operator finds out about the pod when the new model is desired."""
    application = web.Application()
    application.router.add_get("/status", pod.status)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server(access_log=None)
    try:
        assert server.port is not None
        facts = PodFacts("bot-0", "127.0.0.1", ready=True, model_hash=started_for)
        async with http_client(timeout=5.0) as http:
            asker = ServedModels(partial(served_model, http), Intervals(), WorkQueue())
            servers = rasa_servers((facts,), server.port, workers)
            ((answer,), _) = await asker.ask(ObjectKey("bots", "bot"), servers, wanted=NEW, token="token")
    finally:
        await server.close()
    return answer


@pytest.mark.parametrize("workers", [2, 4, 8])
async def test_when_every_worker_serves_the_model_the_pod_does(workers: int) -> None:
    pod = Pod([NEW.name] * workers)

    assert await look(pod, workers) == ProbeResult("pod bot-0", model=NEW.name)
    assert pod.asked >= workers


@pytest.mark.parametrize("late", range(4))
async def test_one_worker_with_another_model_is_found_whichever_it_is(late: int) -> None:
    pod = Pod([OLD.name if worker == late else NEW.name for worker in range(4)])

    assert (await look(pod, 4)).model == OLD.name


async def test_one_worker_without_a_model_is_found() -> None:
    answer = await look(Pod([NEW.name, NEW.name, None]), 3)

    assert (answer.model, answer.problem) == (None, None)


async def test_each_question_has_a_connection_of_its_own() -> None:
    pod = Pod([NEW.name] * 4)

    await look(pod, 4)

    assert len({id(connection) for connection in pod.clients}) == pod.asked


async def test_a_worker_that_is_never_heard_leaves_it_unknown_after_so_many_questions() -> None:
    pod = Pod([NEW.name] * 4, deaf=1)

    answer = await look(pod, 4)

    assert answer.reason is Reason.WORKERS_UNHEARD
    assert answer.problem is not None
    assert "it runs 4 worker processes (SANIC_WORKERS)" in answer.problem
    assert "and 3 of them have said what they serve: it is asked again" in answer.problem
    assert ROLL in answer.problem
    assert pod.asked == 4 * PROBES_PER_WORKER


async def test_workers_that_cannot_be_told_apart_prove_nothing() -> None:
    pod = Pod([NEW.name, NEW.name], tells=False)

    answer = await look(pod, 2)

    assert answer.reason is Reason.WORKERS_UNHEARD
    assert answer.problem is not None
    assert "does not tell which of them answers, so that one answer proves nothing" in answer.problem
    assert ROLL in answer.problem
    assert pod.asked <= 4


async def test_a_worker_with_another_model_is_reported_even_where_it_cannot_be_told_apart() -> None:
    assert (await look(Pod([OLD.name, NEW.name], tells=False), 2)).model == OLD.name


async def test_an_unknown_number_of_workers_is_reported_with_how_to_set_it() -> None:
    answer = await look(Pod([NEW.name] * 2), None)

    assert answer.problem is not None
    assert "whose number a reference in podTemplate hides" in answer.problem


async def test_a_pod_that_was_started_for_the_model_needs_one_answer() -> None:
    pod = Pod([NEW.name] * 4, tells=False)

    assert await look(pod, 4, started_for=NEW.hash) == ProbeResult("pod bot-0", model=NEW.name)
    assert pod.asked == 1


async def test_a_pod_that_was_started_for_another_model_is_asked_as_any_other() -> None:
    assert (await look(Pod([NEW.name] * 2, tells=False), 2, started_for=OLD.hash)).problem is not None


@pytest.fixture
async def refusing() -> AsyncIterator[int]:
    """A server that refuses the token."""
    application = web.Application()

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"reason": "NotAuthenticated"}, status=401)

    application.router.add_get("/status", refuse)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server(access_log=None)
    assert server.port is not None
    yield server.port
    await server.close()


async def test_a_refusal_is_reported_as_of_one_worker(refusing: int) -> None:
    async with http_client() as http:
        asker = ServedModels(partial(served_model, http), Intervals(), WorkQueue())
        servers = rasa_servers((PodFacts("bot-0", "127.0.0.1", ready=True),), refusing, 3)
        ((answer,), _) = await asker.ask(ObjectKey("bots", "bot"), servers, wanted=NEW, token="token")

    assert answer.reason is Reason.UNAUTHORIZED
