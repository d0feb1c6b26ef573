"""What Rasa servers serve: checked after a change until it is the desired model, then rarely."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.domain.advice import UNREACHABLE, message_of, reason_of
from rasa_environments.domain.facts import PodFacts, ProbeResult, TaggedModel
from rasa_environments.domain.training_times import ByTrainingTime
from rasa_environments.judge.comparison import serves_what_is_wanted
from rasa_environments.judge.last_answers import INCONCLUSIVE, LastAnswer, last_answers, with_last_answer
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.server import Served
from rasa_environments.reconcile.clock import utc_now
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.workers import Unheard, ask_workers

LONGEST_WHILE_WRONG_SECONDS = 10.0
GROWTH = 1.3
ASKED_AT_A_TIME = 4
"""Rasa servers of one environment that are asked at the same time: bounds memory and clients."""
ASKING_SECONDS = 60.0
"""Seconds for the answers of all Rasa servers of an environment."""


@dataclass(frozen=True)
class RasaServer:
    """A Rasa server to ask; `name` is its name in messages."""

    name: str
    url: str | None
    """Base URL; None if it has none yet."""
    peer: Peer = Peer.RASA_SERVER
    """The kind of server, for messages."""
    workers: int | None = 1
    """Number of worker processes; None if unknown."""
    started_for: str | None = None
    """Hash of the model that it was started for: it serves that one in every worker, or none."""


def rasa_servers(pods: Iterable[PodFacts], port: int, workers: int | None = 1) -> tuple[RasaServer, ...]:
    """Return the Rasa servers in the pods, each with that many worker processes."""
    return tuple(
        RasaServer(f"pod {pod.name}", _url(pod.address, port), workers=workers, started_for=pod.model_hash)
        for pod in pods
    )


def _url(address: str | None, port: int) -> str | None:
    if address is None:
        return None
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


@dataclass(frozen=True)
class Probe:
    """What the answers depend on; a changed probe is asked at once."""

    wanted: TaggedModel | None
    identity: tuple[str | None, float | None]
    """What else identifies the desired model: its id and training time."""
    servers: tuple[RasaServer, ...]
    token: str


@dataclass(frozen=True)
class _Asked:
    probe: Probe
    wanted_since: float
    """Since when the model is desired, as far as this process knows (time of the event loop)."""
    answers: tuple[ProbeResult, ...]
    last: Mapping[RasaServer, LastAnswer]
    due: float
    delay: float
    missed: frozenset[RasaServer] = frozenset()
    """Servers that did not answer once, which is not told yet: under load, a single answer may be late."""


class AskRasa(Protocol):
    """Asks a Rasa server (`rasa.server.served_model`, with its HTTP client)."""

    async def __call__(self, base_url: str, token: str, peer: Peer, *, fresh: bool) -> Served:
        """Return what the server serves. Raises RasaError."""


class ServedModels:
    """The last answers of each environment's Rasa servers."""

    def __init__(
        self,
        ask_rasa: AskRasa,
        intervals: Intervals,
        queue: WorkQueue,
        now: Callable[[], str] = utc_now,
        times: AnswerTimes | None = None,
    ) -> None:
        self._ask_rasa = ask_rasa
        self._intervals = intervals
        self._queue = queue
        self._now = now
        self._times = times or AnswerTimes()
        self._asked: dict[ObjectKey, _Asked] = {}

    def forget(self, environment: ObjectKey) -> None:
        """Discard what is known about an environment that is gone."""
        self._asked.pop(environment, None)
        self._times.forget(environment)

    async def ask(
        self,
        environment: ObjectKey,
        servers: Sequence[RasaServer],
        *,
        wanted: TaggedModel | None,
        token: str,
        listed: Iterable[TaggedModel] = (),
    ) -> tuple[tuple[ProbeResult, ...], float | None]:
        """Return the servers' answers, and in how many seconds to ask again (None if there are no servers).

        `listed` are the models to search by training time.
        """
        if not servers:
            self._asked.pop(environment, None)
            return (), None
        identity = (wanted.model_id, wanted.trained_at) if wanted is not None else (None, None)
        probe = Probe(wanted, identity, tuple(servers), token)
        now = asyncio.get_running_loop().time()
        last = self._asked.get(environment)
        if last is not None and last.probe == probe and now < last.due:
            return last.answers, last.due - now
        wanted_since = last.wanted_since if last is not None and last.probe.wanted == wanted else now
        async with self._queue.outside(Request(Kind.DEPLOYMENT_ENVIRONMENT, environment)):
            fresh = await self._answers(probe, ByTrainingTime(tuple(listed)))
        if all(result.problem is None for result in fresh):
            self._times.answered(environment)
        now = asyncio.get_running_loop().time()
        results = dict(zip(servers, fresh, strict=True))
        known = last_answers(last.last if last is not None else {}, results, time=self._now(), at=now)
        before = last if last is not None and last.probe == probe else None
        missed = _missed_once(results, before) & known.keys()
        answers = tuple(
            known[server].result
            if server in missed
            else with_last_answer(result, known.get(server), wanted=wanted, wanted_since=wanted_since)
            for server, result in results.items()
        )
        delay = self._intervals.first_served if missed else self._delay(answers, wanted, before)
        self._asked[environment] = _Asked(probe, wanted_since, answers, known, now + delay, delay, missed)
        return answers, delay

    def _delay(self, answers: Sequence[ProbeResult], wanted: TaggedModel | None, last: _Asked | None) -> float:
        if all(answer.problem is None and serves_what_is_wanted(answer, wanted) == "True" for answer in answers):
            return self._intervals.served
        # If models cannot be compared, ask rarely: the next answer says no more.
        known = any(answer.known and serves_what_is_wanted(answer, wanted) != "Unknown" for answer in answers)
        longest = LONGEST_WHILE_WRONG_SECONDS if known else self._intervals.served
        return self._intervals.first_served if last is None else min(last.delay * GROWTH, longest)

    async def _answers(self, probe: Probe, listed: ByTrainingTime) -> tuple[ProbeResult, ...]:
        """Return the answers in the order of the servers, a few asked at the same time.

        No request outlives cancellation.
        """
        limit = asyncio.Semaphore(ASKED_AT_A_TIME)
        until = asyncio.get_running_loop().time() + ASKING_SECONDS

        async def ask(server: RasaServer) -> ProbeResult:
            try:
                async with asyncio.timeout_at(until), limit:
                    return await self._answer(server, probe, listed)
            except TimeoutError:
                return ProbeResult(
                    server.name,
                    problem=f"the Rasa servers of this environment did not all answer within {ASKING_SECONDS:.0f} s",
                    reason=UNREACHABLE[server.peer],
                )

        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(ask(server)) for server in probe.servers]
        return tuple(task.result() for task in asked)

    async def _answer(self, server: RasaServer, probe: Probe, listed: ByTrainingTime) -> ProbeResult:
        url, wanted = server.url, probe.wanted
        if url is None:
            return ProbeResult(server.name, problem="it has no address")
        one_is_enough = server.workers == 1 or wanted is None or server.started_for == wanted.hash

        async def ask() -> Served:
            return await self._ask_rasa(url, probe.token, server.peer, fresh=not one_is_enough)

        def is_wanted(served: Served) -> bool:
            return serves_what_is_wanted(answered(server, served, listed), wanted) == "True"

        try:
            served = await ask() if one_is_enough else await ask_workers(ask, server.workers, is_wanted)
        except RasaError as error:
            return ProbeResult(server.name, problem=message_of(error), reason=reason_of(error))
        if isinstance(served, Unheard):
            return ProbeResult(server.name, problem=served.message, reason=Reason.WORKERS_UNHEARD)
        return answered(server, served, listed)


def _missed_once(results: Mapping[RasaServer, ProbeResult], before: _Asked | None) -> frozenset[RasaServer]:
    """Return the servers that answered the same question before, and not this time."""
    if before is None:
        return frozenset()
    answering = {
        server
        for server, answer in zip(before.probe.servers, before.answers, strict=True)
        if answer.problem is None and server not in before.missed
    }
    silent = {
        server for server, result in results.items() if result.problem is not None and result.reason not in INCONCLUSIVE
    }
    return frozenset(answering & silent)


def answered(server: RasaServer, served: Served, listed: ByTrainingTime) -> ProbeResult:
    """Return the model by name or, if the server reports only its training time, by that."""
    if served.model is not None or served.model_id is not None or served.trained_at is None:
        return ProbeResult(server.name, model=served.model, model_id=served.model_id)
    name = listed.nearest(served.trained_at)
    if name is not None:
        return ProbeResult(server.name, model=name)
    trained = datetime.fromtimestamp(served.trained_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ProbeResult(
        server.name,
        problem=f"it tells only that its model was trained at {trained}, and the model server lists none of that time",
        reason=Reason.MODEL_UNKNOWN,
    )
