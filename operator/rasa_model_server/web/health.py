"""Health and version of this server."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from rasa_model_server import __version__
from rasa_model_server.errors import ApiError
from rasa_model_server.storage import Catalogue
from rasa_model_server.web.answers import HealthAnswer, StatusAnswer, VersionAnswer
from rasa_model_server.web.openapi import NO_STORE, refusals

STORE_CHECK_SECONDS = 5.0


def probe_router(catalogue: Catalogue) -> APIRouter:
    """Return the routes that Kubernetes asks."""
    router = APIRouter()

    @router.head("/healthz", include_in_schema=False)
    @router.get(
        "/healthz", operation_id="live", summary="Does the process work?", response_description="Yes.", responses={}
    )
    async def live() -> StatusAnswer:
        """Answer without asking the store."""
        return StatusAnswer(status="ok")

    @router.head("/readyz", include_in_schema=False)
    @router.get(
        "/readyz",
        operation_id="ready",
        summary="Does the store answer?",
        response_description="Yes.",
        responses=refusals(NO_STORE),
    )
    async def ready() -> StatusAnswer:
        """Ask the store for the start of a listing."""
        await _check(catalogue)
        return StatusAnswer(status="ok")

    return router


def health_router(catalogue: Catalogue) -> APIRouter:
    """Return /health and /version of a server that stands for no Rasa X, in the form in which Rasa X answers them."""
    router = APIRouter()

    async def health() -> dict[str, HealthAnswer]:
        """Ask the store for the start of a listing."""
        await _check(catalogue)
        return {"rasa-model-server": HealthAnswer(version=__version__, status=200)}

    async def version() -> VersionAnswer:
        """Show the version of the model server, not of Rasa."""
        return VersionAnswer(version=__version__, rasa={}, enterprise=False)

    for prefix, suffix in (("/api", ""), ("", "WithoutApi")):
        router.head(f"{prefix}/health", include_in_schema=False)(health)
        router.get(
            f"{prefix}/health",
            operation_id=f"health{suffix}",
            summary="Health of this server",
            response_description="It works.",
            responses=refusals(NO_STORE),
        )(health)
        router.head(f"{prefix}/version", include_in_schema=False)(version)
        router.get(
            f"{prefix}/version",
            operation_id=f"version{suffix}",
            summary="Version of this server",
            response_description="Its version.",
        )(version)
    return router


async def _check(catalogue: Catalogue) -> None:
    try:
        async with asyncio.timeout(STORE_CHECK_SECONDS):
            await catalogue.check()
    except TimeoutError:
        raise ApiError(
            503, "StoreUnavailable", f"the object store did not answer within {STORE_CHECK_SECONDS:g} seconds"
        ) from None
