"""When pods are asked what they serve: at once after a change, often while it is wrong, and rarely once it is right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import httpx
import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.queue import WorkQueue
from rasa_environments.domain.facts import PodFacts, ProbeResult, TaggedModel
from rasa_environments.judge.healing import pods_to_ask
from rasa_environments.judge.last_answers import ANSWER_COUNTS_SECONDS
from rasa_environments.rasa.server import served_model
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.served import (
    GROWTH,
    LONGEST_WHILE_WRONG_SECONDS,
    ServedModels,
    rasa_servers,
)
from tests.reconcile.clock import run

SUPPORT = ObjectKey("bots", "support")
INTERVALS = Intervals(served=300, first_served=1)
NOW = "2026-01-01T12:00:00Z"
WANTED, OLD = "20260101-120000", "20250101-120000"
POD = PodFacts("support-0", "127.0.0.1", ready=True)
SECOND = PodFacts("support-1", "127.0.0.2", ready=True)


def sent(status: int, body: object) -> httpx.Response:
    """A response as it comes from the network, not read yet."""
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(body).encode()))


@dataclass
class Asked:
    """The result of one check."""

    answers: tuple[ProbeResult, ...]
    requeue_after: float | None


@dataclass
class Rasa:
    """Rasa servers that serve the model of their host; None: no model, an exception: no answer."""

    models: dict[str, str | Exception | None] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    refuses: bool = False
    """Whether they refuse every token."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to `GET /status`."""
        self.requests.append(request)
        if self.refuses:
            return sent(401, {"reason": "NotAuthenticated"})
        model = self.models.get(request.url.host, WANTED)
        if isinstance(model, Exception):
            raise model
        if model is None:
            return sent(409, {"reason": "NoAgent"})
        return sent(200, {"model_file": f"/app/models/{model}.tar.gz", "model_id": "1"})


@dataclass
class Asker:
    """Asks on behalf of an environment."""

    rasa: Rasa
    served: ServedModels

    async def ask(self, *pods: PodFacts, wanted: str | None = WANTED, port: int = 5005, token: str = "token") -> Asked:
        """Check once; by default one ready pod."""
        servers = rasa_servers(pods_to_ask(pods or (POD,)), port)
        model = TaggedModel(wanted, f"hash of {wanted}") if wanted is not None else None
        return Asked(*await self.served.ask(SUPPORT, servers, wanted=model, token=token))

    async def times(self, looks: int, **probe: Any) -> list[float]:
        """Return after how many seconds each of several checks in a row requests the next."""
        times = []
        for _ in range(looks):
            asked = await self.ask(**probe)
            assert asked.requeue_after is not None
            times.append(asked.requeue_after)
            await asyncio.sleep(asked.requeue_after)
        return times


def asking(test: Callable[[Asker], Coroutine[Any, Any, None]], **models: str | Exception | None) -> None:
    """Runs a test with an asker, and these models by the last digit of the host."""

    async def body() -> None:
        rasa = Rasa({f"127.0.0.{digit[1:]}": model for digit, model in models.items()})
        async with httpx.AsyncClient(transport=httpx.MockTransport(rasa.answer)) as http:
            await test(Asker(rasa, ServedModels(partial(served_model, http), INTERVALS, WorkQueue(), now=lambda: NOW)))

    run(body())


def test_what_is_right_is_asked_again_after_the_long_interval() -> None:
    async def test(asker: Asker) -> None:
        assert await asker.ask() == Asked((ProbeResult("pod support-0", model=WANTED),), INTERVALS.served)
        assert await asker.times(3) == [INTERVALS.served] * 3

    asking(test)


def test_before_it_is_due_the_last_answer_counts() -> None:
    async def test(asker: Asker) -> None:
        first = await asker.ask()
        await asyncio.sleep(100)

        assert await asker.ask() == Asked(first.answers, INTERVALS.served - 100)
        assert len(asker.rasa.requests) == 1

    asking(test)


def test_when_it_is_due_pods_are_asked_again() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        asker.rasa.models["127.0.0.1"] = OLD
        await asyncio.sleep(INTERVALS.served)

        assert (await asker.ask()).answers == (ProbeResult("pod support-0", model=OLD),)

    asking(test)


CHANGES: list[tuple[tuple[PodFacts, ...], dict[str, Any]]] = [
    ((), {"wanted": OLD}),
    ((), {"port": 5006}),
    ((), {"token": "another"}),
    ((POD, SECOND), {}),
    ((PodFacts("support-0", "127.0.0.9", ready=True),), {}),
    ((PodFacts("support-9", "127.0.0.1", ready=True),), {}),
]


@pytest.mark.parametrize(("pods", "probe"), CHANGES)
def test_another_question_is_asked_at_once(pods: tuple[PodFacts, ...], probe: dict[str, Any]) -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        before = len(asker.rasa.requests)

        await asker.ask(*pods, **probe)

        assert len(asker.rasa.requests) == before + len(pods or (POD,))

    asking(test)


def test_while_another_model_is_served_the_times_grow_to_a_limit() -> None:
    async def test(asker: Asker) -> None:
        times = await asker.times(20)

        assert times[0] == INTERVALS.first_served
        for earlier, later in pairwise(times):
            assert later == pytest.approx(min(earlier * GROWTH, LONGEST_WHILE_WRONG_SECONDS))
        assert times[-1] == LONGEST_WHILE_WRONG_SECONDS

    asking(test, d1=OLD)


def test_while_a_pod_does_not_answer_the_times_grow_to_the_long_interval() -> None:
    async def test(asker: Asker) -> None:
        times = await asker.times(30)

        assert times[0] == INTERVALS.first_served
        assert times[-1] == INTERVALS.served

    asking(test, d1=httpx.ConnectError("connection refused"))


def test_another_question_begins_with_the_shortest_time() -> None:
    async def test(asker: Asker) -> None:
        await asker.times(10)

        assert await asker.times(1, wanted="20270101-120000") == [INTERVALS.first_served]

    asking(test, d1=OLD)


def test_once_it_is_right_the_interval_is_long() -> None:
    async def test(asker: Asker) -> None:
        await asker.times(3)
        asker.rasa.models["127.0.0.1"] = WANTED

        assert await asker.times(1) == [INTERVALS.served]

    asking(test, d1=OLD)


def test_a_pod_without_a_model_serves_none() -> None:
    async def test(asker: Asker) -> None:
        assert await asker.ask() == Asked((ProbeResult("pod support-0"),), INTERVALS.first_served)
        assert await asker.ask(wanted=None) == Asked((ProbeResult("pod support-0"),), INTERVALS.served)

    asking(test, d1=None)


def test_each_ready_pod_is_asked() -> None:
    async def test(asker: Asker) -> None:
        waiting = PodFacts("support-2", "127.0.0.3", ready=False)

        asked = await asker.ask(POD, SECOND, waiting)

        assert asked.answers == (ProbeResult("pod support-0", model=WANTED), ProbeResult("pod support-1", model=OLD))
        assert asked.requeue_after == INTERVALS.first_served

    asking(test, d2=OLD)


def test_without_a_ready_pod_there_is_nobody_to_ask_and_the_past_is_forgotten() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()

        assert await asker.ask(PodFacts("support-0", "127.0.0.1", ready=False)) == Asked((), None)
        await asker.ask()
        assert len(asker.rasa.requests) == 2

    asking(test)


def test_of_an_environment_that_is_gone_nothing_is_kept() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        asker.served.forget(SUPPORT)
        await asker.ask()

        assert len(asker.rasa.requests) == 2

    asking(test)


def test_a_pod_that_does_not_answer_is_reported_without_the_token() -> None:
    async def test(asker: Asker) -> None:
        (answer,) = (await asker.ask(token="4f4f4f4f4f4f")).answers

        assert answer.model is None
        assert answer.problem is not None
        assert "4f4f4f4f4f4f" not in answer.problem

    asking(test, d1=httpx.ConnectError("connection refused"))


BUSY = httpx.ReadTimeout("loading a model")


def test_a_server_that_is_busy_keeps_its_last_answer_and_its_time() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask(wanted=OLD)
        asker.rasa.models["127.0.0.1"] = BUSY

        (answer,) = (await asker.ask()).answers

        assert (answer.model, answer.answered_time) == (OLD, NOW)
        assert answer.problem is not None
        assert answer.known

    asking(test, d1=OLD)


def test_a_server_that_refuses_the_token_is_not_one_that_is_busy() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        asker.rasa.refuses = True
        await asyncio.sleep(INTERVALS.served)

        (answer,) = (await asker.ask()).answers

        assert not answer.known
        assert answer.reason == "Unauthorized"

    asking(test)


def test_a_server_that_was_never_heard_has_no_answer() -> None:
    async def test(asker: Asker) -> None:
        (answer,) = (await asker.ask()).answers

        assert (answer.model, answer.answered_time, answer.known) == (None, None, False)

    asking(test, d1=BUSY)


def test_an_answer_from_before_the_tag_came_back_does_not_count() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask(wanted=WANTED)
        asker.rasa.models["127.0.0.1"] = BUSY
        await asyncio.sleep(1)
        await asker.ask(wanted=OLD)

        (answer,) = (await asker.ask(wanted=WANTED)).answers

        assert not answer.known

    asking(test)


def test_an_answer_that_is_too_old_does_not_count() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        asker.rasa.models["127.0.0.1"] = BUSY
        await asyncio.sleep(ANSWER_COUNTS_SECONDS)

        (answer,) = (await asker.ask()).answers

        assert not answer.known

    asking(test)


def test_a_server_that_is_busy_with_a_new_model_is_asked_often() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask(wanted=OLD)
        asker.rasa.models["127.0.0.1"] = BUSY

        assert max(await asker.times(30)) == LONGEST_WHILE_WRONG_SECONDS

    asking(test, d1=OLD)


def test_the_answers_of_another_pod_of_that_address_do_not_count() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        asker.rasa.models["127.0.0.1"] = BUSY

        (answer,) = (await asker.ask(PodFacts("support-9", "127.0.0.1", ready=True))).answers

        assert not answer.known

    asking(test)


def test_a_pod_without_an_address_cannot_be_asked() -> None:
    async def test(asker: Asker) -> None:
        asked = await asker.ask(PodFacts("support-0", None, ready=True))

        assert asked.answers == (ProbeResult("pod support-0", problem="it has no address"),)
        assert asker.rasa.requests == []

    asking(test)


@pytest.mark.parametrize(("address", "host"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_pod_is_asked_at_its_address_with_the_token(address: str, host: str) -> None:
    async def test(asker: Asker) -> None:
        await asker.ask(PodFacts("support-0", address, ready=True), port=5006, token="a b")

        (request,) = asker.rasa.requests
        assert request.url == f"http://{host}:5006/status?token=a+b"

    asking(test)


def test_the_last_answer_is_as_old_as_the_last_time_that_all_servers_answered() -> None:
    async def test() -> tuple[list[float], bool]:
        rasa, times = Rasa(), AnswerTimes(asyncio.get_running_loop().time)
        async with httpx.AsyncClient(transport=httpx.MockTransport(rasa.answer)) as http:
            asker = Asker(rasa, ServedModels(partial(served_model, http), INTERVALS, WorkQueue(), times=times))
            ages = []
            for host in ("127.0.0.3", "127.0.0.2"):  # the second one does not answer the second probe
                rasa.models[host] = httpx.ConnectError("silent")
                await asker.ask(POD, SECOND)
                await asyncio.sleep(INTERVALS.served)
                ages.append(times.ages()[SUPPORT])
            asker.served.forget(SUPPORT)
            return ages, SUPPORT in times.ages()

    assert run(test()) == ([INTERVALS.served, 2 * INTERVALS.served], False)


def test_a_single_answer_that_is_missing_is_not_told_and_asked_for_again_at_once() -> None:
    async def test(asker: Asker) -> None:
        first = await asker.ask()
        for _ in range(3):
            await asyncio.sleep(INTERVALS.served)
            asker.rasa.models["127.0.0.1"] = httpx.ReadTimeout("late")
            assert await asker.ask() == Asked(first.answers, INTERVALS.first_served)
            await asyncio.sleep(INTERVALS.first_served)
            asker.rasa.models["127.0.0.1"] = WANTED
            assert await asker.ask() == first

    asking(test)


def test_a_second_answer_that_is_missing_is_told() -> None:
    async def test(asker: Asker) -> None:
        await asker.ask()
        asker.rasa.models["127.0.0.1"] = httpx.ReadTimeout("late")
        await asyncio.sleep(INTERVALS.served)
        await asker.ask()
        await asyncio.sleep(INTERVALS.first_served)

        (answer,) = (await asker.ask()).answers

        assert (answer.model, answer.answered_time) == (WANTED, NOW)
        assert answer.problem is not None
        await asyncio.sleep(LONGEST_WHILE_WRONG_SECONDS)
        (still,) = (await asker.ask()).answers
        assert still.problem is not None

    asking(test)
