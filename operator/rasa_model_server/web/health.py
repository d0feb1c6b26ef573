"""Health and version, of this server and, as Rasa X has it, of the environments' servers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server import __version__
from rasa_model_server.authentication import Authenticator
from rasa_model_server.errors import ApiError
from rasa_model_server.rasa_x.profiles import RasaX
from rasa_model_server.rasa_x.servers import RasaServerError, RasaVersion
from rasa_model_server.rasa_x.versions import Outcome, Versions
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
    """The handlers of /health and /version of Rasa X, which tell of the environments.

    Both are open to everybody, as in Rasa X. Only for callers with credentials are the environments asked.
    """

    def __init__(self, rasa_x: RasaX, versions: Versions, authenticator: Authenticator) -> None:
        self._rasa_x = rasa_x
        self._versions = versions
        self._authenticator = authenticator

    async def health(self, request: Request) -> Response:
        """Answer what each environment says of itself, and 500 for those that say nothing."""
        return json_response({name: _health_of(found) for name, found in (await self._found(request)).items()})

    async def version(self, request: Request) -> Response:
        """Answer the version of each environment's Rasa, and of the Rasa X that this server stands for."""
        versions = {
            name: found.version if isinstance(found, RasaVersion) else UNKNOWN_VERSION
            for name, found in (await self._found(request)).items()
        }
        return json_response(
            RasaXVersionAnswer(rasa=versions, rasa_x=self._rasa_x.version, enterprise=self._rasa_x.enterprise)
        )

    async def _found(self, request: Request) -> Mapping[str, Outcome]:
        if self._authenticator.accepts(request.query_params, request.headers):
            return await self._versions.asked()
        return await self._versions.remembered()


def _health_of(found: Outcome) -> EnvironmentHealthAnswer | EnvironmentFailureAnswer:
    if isinstance(found, RasaServerError):
        return EnvironmentFailureAnswer(message=str(found))
    return EnvironmentHealthAnswer(version=found.version, minimum_compatible_version=found.minimum_compatible_version)
