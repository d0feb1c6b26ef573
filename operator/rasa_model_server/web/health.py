"""Health and version, of this server and, as Rasa X has it, of the environments' servers."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server import __version__
from rasa_model_server.environments.registry import Registry
from rasa_model_server.environments.servers import RasaServerError, RasaServers, RasaVersion
from rasa_model_server.errors import ApiError
from rasa_model_server.profiles import RasaX
from rasa_model_server.storage import Catalogue
from rasa_model_server.web.answers import (
    EnvironmentFailureAnswer,
    EnvironmentHealthAnswer,
    HealthAnswer,
    RasaXVersionAnswer,
    StatusAnswer,
    VersionAnswer,
    json_response,
)

STORE_CHECK_SECONDS = 5.0
UNKNOWN_VERSION = "0.0.0"
"""What Rasa X says for an environment that does not answer (rasax.community.constants, INVALID_RASA_VERSION)."""


class HealthHandlers:
    """The handlers of the server's own health."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def health(self, _: Request) -> Response:
        """Answer the health of this server, in the form in which Rasa X answers that of each environment."""
        await self._check_store()
        return json_response({"rasa-model-server": HealthAnswer(version=__version__, status=200)})

    async def version(self, _: Request) -> Response:
        """Answer the version of this server."""
        return json_response(VersionAnswer(version=__version__, rasa={}, enterprise=False))

    async def live(self, _: Request) -> Response:
        """Answer that the process works."""
        return json_response(StatusAnswer(status="ok"))

    async def ready(self, _: Request) -> Response:
        """Answer whether the object store answers."""
        await self._check_store()
        return json_response(StatusAnswer(status="ok"))

    async def _check_store(self) -> None:
        try:
            async with asyncio.timeout(STORE_CHECK_SECONDS):
                await self._catalogue.check()
        except TimeoutError:
            raise ApiError(
                503, "StoreUnavailable", f"the object store did not answer within {STORE_CHECK_SECONDS:g} seconds"
            ) from None


class RasaXHealthHandlers:
    """The handlers of /health and /version of Rasa X, which tell of the environments."""

    def __init__(self, rasa_x: RasaX, registry: Registry, servers: RasaServers) -> None:
        self._rasa_x = rasa_x
        self._registry = registry
        self._servers = servers

    async def health(self, _: Request) -> Response:
        """Answer what each environment says of itself, and 500 for those that say nothing."""
        return json_response({name: _health_of(found) for name, found in (await self._versions()).items()})

    async def version(self, _: Request) -> Response:
        """Answer the version of each environment's Rasa, and of the Rasa X that this server stands for."""
        versions = {
            name: found.version if isinstance(found, RasaVersion) else UNKNOWN_VERSION
            for name, found in (await self._versions()).items()
        }
        return json_response(
            RasaXVersionAnswer(rasa=versions, rasa_x=self._rasa_x.version, enterprise=self._rasa_x.enterprise)
        )

    async def _versions(self) -> dict[str, RasaVersion | RasaServerError]:
        environments = await self._registry.environments()
        found = await asyncio.gather(
            *(self._servers.version(server) for server in environments), return_exceptions=True
        )
        versions: dict[str, RasaVersion | RasaServerError] = {}
        for server, outcome in zip(environments, found, strict=True):
            if not isinstance(outcome, RasaVersion | RasaServerError):
                raise outcome
            versions[server.name] = outcome
        return versions


def _health_of(found: RasaVersion | RasaServerError) -> EnvironmentHealthAnswer | EnvironmentFailureAnswer:
    if isinstance(found, RasaServerError):
        return EnvironmentFailureAnswer(message=str(found))
    return EnvironmentHealthAnswer(version=found.version, minimum_compatible_version=found.minimum_compatible_version)
