"""When the licences of Rasa Pro expire: asked when the pods change, then once an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import LicenseFact
from rasa_environments.rasa.errors import RasaError, UnreachableError
from rasa_environments.rasa.license import license_expiry
from rasa_environments.rasa.transport import HttpClient
from rasa_environments.reconcile.dependencies import Intervals
from rasa_environments.reconcile.served import RasaServer

ASKED_EVERY_SECONDS = 3600.0


@dataclass(frozen=True)
class _Asked:
    servers: tuple[RasaServer, ...]
    expires: datetime | None
    problem: str | None
    due: float


class Licenses:
    """The last answer of each environment of Rasa Pro."""

    def __init__(self, http: HttpClient, queue: WorkQueue, intervals: Intervals) -> None:
        self._http, self._queue, self._intervals = http, queue, intervals
        self._asked: dict[ObjectKey, _Asked] = {}

    def forget(self, environment: ObjectKey) -> None:
        """Discard what is known about an environment that is gone."""
        self._asked.pop(environment, None)

    async def ask(self, environment: ObjectKey, servers: Sequence[RasaServer], *, known: LicenseFact) -> LicenseFact:
        """Return what is known of the licence, after asking the first of the servers if that is due.

        `known` is what the status says. A licence is renewed by new pods, which are asked at once.
        """
        asked = self._asked.get(environment)
        there = tuple(server for server in servers if server.url is not None)
        due = asked is None or asked.servers != there or asyncio.get_running_loop().time() >= asked.due
        if there and due:
            async with self._queue.outside(Request(Kind.DEPLOYMENT_ENVIRONMENT, environment)):
                asked = self._asked[environment] = await self._answer(there)
        if asked is None:
            return known
        return replace(known, expires=asked.expires or known.expires, problem=asked.problem)

    async def _answer(self, servers: tuple[RasaServer, ...]) -> _Asked:
        expires, problem, delay = None, None, ASKED_EVERY_SECONDS
        try:
            expires = await license_expiry(self._http, servers[0].url or "")
        except RasaError as error:
            problem = f"{servers[0].name}: {message_of(error)}"
            if isinstance(error, UnreachableError):  # it may be loading a model
                delay = self._intervals.served
        return _Asked(servers, expires, problem, asyncio.get_running_loop().time() + delay)
