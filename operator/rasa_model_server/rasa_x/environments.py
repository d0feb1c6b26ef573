"""Environments: listed, and registered by whoever may."""

from __future__ import annotations

import yaml
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.errors import ApiError
from rasa_model_server.rasa_x.environment_rules import registration_problem
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.storage import EnvironmentRecord
from rasa_model_server.web.answers import Environment, EnvironmentsFileAnswer, json_response, read_json

ENVIRONMENTS_WRITTEN = 201


class EnvironmentHandlers:
    """The handlers of /environments."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def list_environments(self, _: Request) -> Response:
        """Answer the registered environments."""
        return json_response(list(await self._registry.environments()))

    async def show_environments_file(self, _: Request) -> Response:
        """Answer the environments as Rasa X before 1.0 does: as the YAML that they came in."""
        environments = await self._registry.environments()
        if not environments:
            raise ApiError(
                400,
                "EnvironmentSettingsNotFound",
                "could not find environment settings: this server was started without an environments.yml "
                "(--environments-file)",
            )
        entries = {found.name: {"url": found.url, "token": found.token} for found in environments}
        return json_response(EnvironmentsFileAnswer(environments=yaml.safe_dump({"rasa": entries}, sort_keys=False)))

    async def replace_environments(self, request: Request) -> Response:
        """Register environments in place of those that were."""
        environments = await read_json(request, TypeAdapter(list[Environment]))
        records = tuple(EnvironmentRecord(**environment.model_dump()) for environment in environments)
        problem = registration_problem(records)
        if problem is not None:
            raise ApiError(400, "BadRequest", problem)
        await self._registry.replace(records)
        return json_response(list(records), ENVIRONMENTS_WRITTEN)
