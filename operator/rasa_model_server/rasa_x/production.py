"""What the registered environments demand of models and tags."""

from __future__ import annotations

import time
from collections.abc import Callable

from rasa_model_server.rasa_x.environment_rules import PRODUCTION
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServerError, RasaServers
from rasa_model_server.storage import EnvironmentRecord
from rasa_model_server.web.model_check import ProductionUnavailableError

REMEMBERED_SECONDS = 5.0
"""For how long production's answer holds. That it did not answer is never remembered."""


class Production:
    """What the production server says that it can load, as Rasa X asks it before models and tags are written."""

    def __init__(self, registry: Registry, servers: RasaServers, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._servers = servers
        self._clock = clock
        self._remembered: tuple[EnvironmentRecord, float, str | None] | None = None

    async def minimum_version(self) -> str | None:
        """Return production's minimum version, or None if it names none or no environments are registered.

        Raises ProductionUnavailableError if there are environments but no production among them, or it does not answer.
        """
        environments = await self._registry.environments()
        production = next((found for found in environments if found.name == PRODUCTION), None)
        if production is None:
            if not environments:
                return None
            raise ProductionUnavailableError(
                "production is not reachable: environments are registered, but none is called production: register it"
            )
        if self._remembered is not None and self._remembered[0] == production and self._clock() < self._remembered[1]:
            return self._remembered[2]
        try:
            minimum = (await self._servers.version(production)).minimum_compatible_version
        except RasaServerError as error:
            raise ProductionUnavailableError(
                f"production is not reachable, so its minimum version is not known: {error}"
            ) from None
        self._remembered = (production, self._clock() + REMEMBERED_SECONDS, minimum)
        return minimum

    async def reserved_tags(self) -> tuple[str, ...]:
        """Return the names of the environments that there always are, and of those that are registered."""
        return await self._registry.reserved_tags()
