"""Versions of the environments' servers: requested for callers with credentials, remembered for others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServerError, RasaServers, RasaVersion
from rasa_model_server.storage import EnvironmentRecord

REMEMBERED_SECONDS = 5.0
"""For how long no server is asked again."""
AT_ONCE = 10
"""Servers that are asked at the same time."""
NOT_ASKED = RasaServerError("not asked yet: its server is asked only for callers with credentials")

Outcome = RasaVersion | RasaServerError


class Versions:
    """The last answer of each environment's server."""

    def __init__(self, registry: Registry, servers: RasaServers, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._servers = servers
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: dict[EnvironmentRecord, Outcome] = {}
        self._asked_at: float | None = None

    async def asked(self) -> Mapping[str, Outcome]:
        """Return what each says now, by name. All who ask within some seconds share the answers."""
        async with self._lock:
            environments = await self._registry.environments()
            fresh = self._asked_at is not None and self._clock() < self._asked_at + REMEMBERED_SECONDS
            if not fresh or set(environments) != self._known.keys():
                self._known = await self._ask(environments)
                self._asked_at = self._clock()
            return self._by_name(environments)

    async def remembered(self) -> Mapping[str, Outcome]:
        """Return what each said last, by name. Nobody is asked."""
        return self._by_name(await self._registry.environments())

    def _by_name(self, environments: Sequence[EnvironmentRecord]) -> dict[str, Outcome]:
        return {environment.name: self._known.get(environment, NOT_ASKED) for environment in environments}

    async def _ask(self, environments: Sequence[EnvironmentRecord]) -> dict[EnvironmentRecord, Outcome]:
        slots = asyncio.Semaphore(AT_ONCE)

        async def ask(environment: EnvironmentRecord) -> Outcome:
            async with slots:
                try:
                    return await self._servers.version(environment)
                except RasaServerError as error:
                    return error

        outcomes = await asyncio.gather(*map(ask, environments))
        return dict(zip(environments, outcomes, strict=True))
