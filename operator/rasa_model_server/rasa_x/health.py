"""/health and /version of Rasa X, which report on the environments."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request

from rasa_model_server.authentication import Authenticator
from rasa_model_server.rasa_x.profiles import RasaX
from rasa_model_server.rasa_x.servers import RasaServerError, RasaVersion
from rasa_model_server.rasa_x.versions import Outcome, Versions
from rasa_model_server.web.answers import EnvironmentFailureAnswer, EnvironmentHealthAnswer, RasaXVersionAnswer
from rasa_model_server.web.openapi import NO_STORE, refusals

UNKNOWN_VERSION = "0.0.0"
"""What Rasa X says for an environment that does not answer (rasax.community.constants, INVALID_RASA_VERSION)."""

EnvironmentAnswer = EnvironmentHealthAnswer | EnvironmentFailureAnswer


def rasa_x_health_router(rasa_x: RasaX, versions: Versions, authenticator: Authenticator) -> APIRouter:
    """Return both routes.

    They are open to everybody, as in Rasa X. The environments are asked only for callers with credentials.
    """
    router = APIRouter()

    async def known(request: Request) -> Mapping[str, Outcome]:
        if authenticator.accepts(request.query_params, request.headers):
            return await versions.asked()
        return await versions.remembered()

    @router.head("/api/health", include_in_schema=False)
    @router.get(
        "/api/health",
        operation_id="health",
        summary="What the server of each environment says of itself",
        response_description="By the name of the environment.",
        responses=refusals(NO_STORE),
    )
    async def health(request: Request) -> dict[str, EnvironmentAnswer]:
        """Show the status 500 for an environment that does not answer.

        Without credentials, nobody is asked, and the last answers are shown.
        """
        return {name: _health_of(outcome) for name, outcome in (await known(request)).items()}

    @router.head("/api/version", include_in_schema=False)
    @router.get(
        "/api/version",
        operation_id="version",
        summary="Versions of Rasa X and of each environment",
        response_description="Them.",
        responses=refusals(NO_STORE),
    )
    async def version(request: Request) -> RasaXVersionAnswer:
        """Show the Rasa X that this server stands for, and the Rasa of each environment.

        Without credentials, nobody is asked, and the last answers are shown.
        """
        return RasaXVersionAnswer(
            rasa={name: _version_of(outcome) for name, outcome in (await known(request)).items()},
            rasa_x=rasa_x.version,
            enterprise=rasa_x.enterprise,
        )

    return router


def _health_of(outcome: Outcome) -> EnvironmentAnswer:
    if isinstance(outcome, RasaServerError):
        return EnvironmentFailureAnswer(message=str(outcome))
    return EnvironmentHealthAnswer(
        version=outcome.version, minimum_compatible_version=outcome.minimum_compatible_version
    )


def _version_of(outcome: Outcome) -> str:
    return outcome.version if isinstance(outcome, RasaVersion) else UNKNOWN_VERSION
