"""endpoints.yml and credentials.yml, for `rasa x --config-endpoint`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter

from rasa_model_server.authentication import Permission
from rasa_model_server.web.access import Access
from rasa_model_server.web.answers import ConfigurationAnswer
from rasa_model_server.web.openapi import UNAUTHORIZED, refusals


@dataclass(frozen=True)
class Configuration:
    """The two files, each as its content or its path. A path is read for every answer."""

    endpoints: Path | str
    credentials: Path | str


def configuration_router(configuration: Configuration, access: Access) -> APIRouter:
    """Return the routes of /config."""
    router = APIRouter()

    @router.head("/api/config", dependencies=access.takes(Permission.READ_CONFIGURATION), include_in_schema=False)
    @router.get(
        "/api/config",
        dependencies=access.takes(Permission.READ_CONFIGURATION),
        operation_id="readConfiguration",
        summary="Get endpoints.yml and credentials.yml",
        response_description="Both as text, with their variables as written.",
        responses=refusals(UNAUTHORIZED),
    )
    async def read_configuration() -> ConfigurationAnswer:
        """Leave variables as they are written: Rasa puts in its own."""
        return ConfigurationAnswer(
            endpoints=_text_of(configuration.endpoints), credentials=_text_of(configuration.credentials)
        )

    return router


def _text_of(source: Path | str) -> str:
    return source.read_text(encoding="utf-8") if isinstance(source, Path) else source
