"""When the licences of Rasa Pro expire: asked when the pods change, then once an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import LicenseFact
from rasa_environments.domain.licenses import known_license
from rasa_environments.rasa.errors import RasaError, UnreachableError
from rasa_environments.reconcile.clock import utc_now
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.served import RasaServer

ASKED_EVERY_SECONDS = 3600.0

AskExpiry = Callable[[str], Awaitable[datetime]]
"""Returns when the licence of the Rasa server at that URL expires (`rasa.license.license_expiry`)."""


@dataclass(frozen=True)
class _Asked:
    servers: tuple[RasaServer, ...]
    expires: datetime | None
    problem: str | None
    due: float


class Licenses:
    """The last answer of each environment of Rasa Pro."""

    def __init__(
        self, ask_expiry: AskExpiry, queue: WorkQueue, intervals: Intervals, now: Callable[[], str] = utc_now
    ) -> None:
        self._ask_expiry, self._queue, self._intervals, self._now = ask_expiry, queue, intervals, now
        self._asked: dict[ObjectKey, _Asked] = {}

    def forget(self, environment: ObjectKey) -> None:
        """Discard what is known about an environment that is gone."""
        self._asked.pop(environment, None)

    def known(self, environment: DeploymentEnvironment, server: ModelServer | None) -> LicenseFact | None:
        """Return what the status says of the licence; None for an environment that needs none."""
        return known_license(environment, server, self._now())

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
            expires = await self._ask_expiry(servers[0].url or "")
        except RasaError as error:
            problem = f"{servers[0].name}: {message_of(error)}"
            if isinstance(error, UnreachableError):  # it may be loading a model
                delay = self._intervals.served
        return _Asked(servers, expires, problem, asyncio.get_running_loop().time() + delay)
