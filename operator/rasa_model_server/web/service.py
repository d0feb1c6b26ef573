"""Everything that is not a model: login, environments, configuration, health, versions, metrics."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from obstore.exceptions import BaseError
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server import __version__
from rasa_model_server.authentication import Authenticator
from rasa_model_server.errors import ApiError
from rasa_model_server.metrics import Metrics
from rasa_model_server.settings import Settings
from rasa_model_server.storage import Catalogue, EnvironmentRecord
from rasa_model_server.storage.opening import first_line
from rasa_model_server.web.answers import (
    ConfigurationAnswer,
    Environment,
    HealthAnswer,
    LoginAnswer,
    LoginRequest,
    StatusAnswer,
    VersionAnswer,
    json_response,
    read_json,
)

_STORE_CHECK_SECONDS = 5.0

logger = logging.getLogger(__name__)


class ServiceHandlers:
    """The handlers beside those of models."""

    def __init__(
        self, catalogue: Catalogue, authenticator: Authenticator, settings: Settings, metrics: Metrics
    ) -> None:
        self._catalogue = catalogue
        self._authenticator = authenticator
        self._settings = settings
        self._metrics = metrics

    async def log_in(self, request: Request) -> Response:
        """Answer a username and a password with a JWT."""
        login = await read_json(request, TypeAdapter(LoginRequest))
        return json_response(LoginAnswer(access_token=self._authenticator.log_in(login.username, login.password)))

    async def list_environments(self, _: Request) -> Response:
        """Answer the registered environments."""
        return json_response(list(await self._catalogue.environments()))

    async def replace_environments(self, request: Request) -> Response:
        """Register environments in place of those that were."""
        environments = await read_json(request, TypeAdapter(list[Environment]))
        names = [environment.name for environment in environments]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ApiError(400, "BadRequest", f"the environment {twice!r} is in the list twice")
        records = tuple(EnvironmentRecord(**environment.model_dump()) for environment in environments)
        await self._catalogue.replace_environments(records)
        return json_response(list(records), self._settings.profile.environments_written)

    async def read_configuration(self, _: Request) -> Response:
        """Answer endpoints.yml and credentials.yml as they are now."""
        return json_response(
            ConfigurationAnswer(
                endpoints=_text_of(self._settings.endpoints_file),
                credentials=_text_of(self._settings.credentials_file),
            )
        )

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

    async def metrics(self, _: Request) -> Response:
        """Answer the metrics in the text format of Prometheus."""
        try:
            async with asyncio.timeout(_STORE_CHECK_SECONDS):
                models = await self._catalogue.models()
            self._metrics.count_catalogue(len(models), sum(len(model.tags) for model in models))
        except (BaseError, TimeoutError) as error:
            logger.warning("the models cannot be counted: %s", first_line(error))
            self._metrics.count_catalogue(None, None)
        return Response(self._metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def _check_store(self) -> None:
        try:
            async with asyncio.timeout(_STORE_CHECK_SECONDS):
                await self._catalogue.check()
        except TimeoutError:
            raise ApiError(
                503, "StoreUnavailable", f"the object store did not answer within {_STORE_CHECK_SECONDS:g} seconds"
            ) from None


def _text_of(file: Path | None) -> str:
    return file.read_text(encoding="utf-8") if file is not None else ""
