"""What pods serve: asked after a change until it is what is wanted, then rarely."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from rasa_environments.api.base import ObjectKey
from rasa_environments.judge.findings import PodFacts, ServedFact
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.server import served_model
from rasa_environments.reconcile.surroundings import Intervals

LONGEST_WHILE_WRONG_SECONDS = 10.0
GROWTH = 1.3


@dataclass(frozen=True)
class Question:
    """What the answers depend on: another question is asked at once."""

    wanted: str | None
    pods: tuple[tuple[str, str | None], ...]
    port: int
    token: str


@dataclass(frozen=True)
class _Asked:
    question: Question
    answers: tuple[ServedFact, ...]
    due: float
    delay: float


class ServedModels:
    """The last answers of each environment's pods."""

    def __init__(self, http: httpx.AsyncClient, intervals: Intervals) -> None:
        self._http = http
        self._intervals = intervals
        self._asked: dict[ObjectKey, _Asked] = {}

    def forget(self, environment: ObjectKey) -> None:
        """Drops what is known of an environment that is gone."""
        self._asked.pop(environment, None)

    async def ask(
        self, environment: ObjectKey, pods: Sequence[PodFacts], *, wanted: str | None, port: int, token: str
    ) -> tuple[tuple[ServedFact, ...], float | None]:
        """What the ready pods answer, and in how many seconds to ask again (None: there is nobody to ask)."""
        ready = [pod for pod in pods if pod.ready]
        if not ready:
            self.forget(environment)
            return (), None
        question = Question(wanted, tuple((pod.name, pod.address) for pod in ready), port, token)
        now = asyncio.get_running_loop().time()
        last = self._asked.get(environment)
        if last is not None and last.question == question and now < last.due:
            return last.answers, last.due - now
        answers = tuple(await asyncio.gather(*(self._answer(pod, port, token) for pod in ready)))
        delay = self._delay(answers, wanted, last if last is not None and last.question == question else None)
        self._asked[environment] = _Asked(question, answers, asyncio.get_running_loop().time() + delay, delay)
        return answers, delay

    def _delay(self, answers: Sequence[ServedFact], wanted: str | None, last: _Asked | None) -> float:
        if all(answer.problem is None and answer.model == wanted for answer in answers):
            return self._intervals.served
        longest = self._intervals.served if any(answer.problem for answer in answers) else LONGEST_WHILE_WRONG_SECONDS
        return self._intervals.first_served if last is None else min(last.delay * GROWTH, longest)

    async def _answer(self, pod: PodFacts, port: int, token: str) -> ServedFact:
        if pod.address is None:
            return ServedFact(pod.name, problem="it has no address")
        host = f"[{pod.address}]" if ":" in pod.address else pod.address
        try:
            served = await served_model(self._http, f"http://{host}:{port}", token)
        except RasaError as error:
            return ServedFact(pod.name, problem=error.message)
        return ServedFact(pod.name, model=served.model)
