"""What Rasa servers serve: asked after a change until it is what is wanted, then rarely."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import httpx

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.judge.findings import PodFacts, ServedFact, TaggedModel
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.server import Served, served_model
from rasa_environments.rasa.transport import RASA_SERVER, Peer
from rasa_environments.reconcile.queue import Kind, Request, WorkQueue
from rasa_environments.reconcile.surroundings import Intervals

LONGEST_WHILE_WRONG_SECONDS = 10.0
GROWTH = 1.3
ASKED_AT_A_TIME = 4
"""Rasa servers of one environment that are asked at a time: what the answers hold in memory and connections."""
ASKING_SECONDS = 60.0
"""For the answers of all Rasa servers of an environment."""
TRAINED_TOGETHER_SECONDS = 0.5
"""Model servers round the time of training; one project trains no two models within a second."""


@dataclass(frozen=True)
class RasaServer:
    """A Rasa server that is asked; `name` is what a message calls it."""

    name: str
    url: str | None
    """Base address; None: it has none yet."""
    peer: Peer = RASA_SERVER
    """Whose it is, in the words of a message."""


def rasa_servers(pods: Iterable[PodFacts], port: int) -> tuple[RasaServer, ...]:
    """The Rasa servers in the pods."""
    return tuple(RasaServer(f"pod {pod.name}", _url(pod.address, port)) for pod in pods)


def _url(address: str | None, port: int) -> str | None:
    if address is None:
        return None
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


@dataclass(frozen=True)
class Question:
    """What the answers depend on: another question is asked at once."""

    wanted: str | None
    servers: tuple[RasaServer, ...]
    token: str


@dataclass(frozen=True)
class _Asked:
    question: Question
    answers: tuple[ServedFact, ...]
    due: float
    delay: float


class ByTrainingTime:
    """Models by the time of their training, sorted once for all servers of an environment."""

    def __init__(self, models: Iterable[TaggedModel]) -> None:
        self._models = models

    def nearest(self, when: float) -> str | None:
        """The model that was trained then, however the model server rounds; None where none was."""
        times = self._sorted
        at = bisect_left(times, (when, ""))
        near = [(abs(time - when), name) for time, name in times[max(0, at - 1) : at + 1]]
        distance, name = min(near, default=(TRAINED_TOGETHER_SECONDS, ""))
        return name if distance < TRAINED_TOGETHER_SECONDS else None

    @cached_property
    def _sorted(self) -> list[tuple[float, str]]:
        return sorted((model.trained_at, model.name) for model in self._models if model.trained_at is not None)


class ServedModels:
    """The last answers of each environment's Rasa servers."""

    def __init__(self, http: httpx.AsyncClient, intervals: Intervals, queue: WorkQueue) -> None:
        self._http = http
        self._intervals = intervals
        self._queue = queue
        self._asked: dict[ObjectKey, _Asked] = {}

    def forget(self, environment: ObjectKey) -> None:
        """Drops what is known of an environment that is gone."""
        self._asked.pop(environment, None)

    async def ask(
        self,
        environment: ObjectKey,
        servers: Sequence[RasaServer],
        *,
        wanted: str | None,
        token: str,
        listed: Iterable[TaggedModel] = (),
    ) -> tuple[tuple[ServedFact, ...], float | None]:
        """What the servers answer, and in how many seconds to ask again (None: there is nobody to ask).

        `listed` are the models among which one is found by the time of its training.
        """
        if not servers:
            self.forget(environment)
            return (), None
        question = Question(wanted, tuple(servers), token)
        now = asyncio.get_running_loop().time()
        last = self._asked.get(environment)
        if last is not None and last.question == question and now < last.due:
            return last.answers, last.due - now
        async with self._queue.outside(Request(Kind.DEPLOYMENT_ENVIRONMENT, environment)):
            answers = await self._answers(servers, token, ByTrainingTime(tuple(listed)))
        delay = self._delay(answers, wanted, last if last is not None and last.question == question else None)
        self._asked[environment] = _Asked(question, answers, asyncio.get_running_loop().time() + delay, delay)
        return answers, delay

    def _delay(self, answers: Sequence[ServedFact], wanted: str | None, last: _Asked | None) -> float:
        if all(answer.problem is None and answer.model == wanted for answer in answers):
            return self._intervals.served
        longest = self._intervals.served if any(answer.problem for answer in answers) else LONGEST_WHILE_WRONG_SECONDS
        return self._intervals.first_served if last is None else min(last.delay * GROWTH, longest)

    async def _answers(
        self, servers: Sequence[RasaServer], token: str, listed: ByTrainingTime
    ) -> tuple[ServedFact, ...]:
        """The answers in the order of the servers, a few asked at a time. Cancelled, it leaves no question behind."""
        limit = asyncio.Semaphore(ASKED_AT_A_TIME)
        until = asyncio.get_running_loop().time() + ASKING_SECONDS

        async def ask(server: RasaServer) -> ServedFact:
            try:
                async with asyncio.timeout_at(until), limit:
                    return await self._answer(server, token, listed)
            except TimeoutError:
                return ServedFact(
                    server.name,
                    problem=f"the Rasa servers of this environment did not all answer within {ASKING_SECONDS:.0f} s",
                    reason=server.peer.unreachable,
                )

        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(ask(server)) for server in servers]
        return tuple(task.result() for task in asked)

    async def _answer(self, server: RasaServer, token: str, listed: ByTrainingTime) -> ServedFact:
        if server.url is None:
            return ServedFact(server.name, problem="it has no address")
        try:
            served = await served_model(self._http, server.url, token, peer=server.peer)
        except RasaError as error:
            return ServedFact(server.name, problem=error.message, reason=error.reason)
        return answered(server, served, listed)


def answered(server: RasaServer, served: Served, listed: ByTrainingTime) -> ServedFact:
    """The model by its name, or, where the server tells only when it was trained, by that."""
    if served.model is not None or served.trained_at is None:
        return ServedFact(server.name, model=served.model)
    name = listed.nearest(served.trained_at)
    if name is not None:
        return ServedFact(server.name, model=name)
    trained = datetime.fromtimestamp(served.trained_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ServedFact(
        server.name,
        problem=f"it tells only that its model was trained at {trained}, and the model server lists none of that time",
        reason=Reason.MODEL_UNKNOWN,
    )
