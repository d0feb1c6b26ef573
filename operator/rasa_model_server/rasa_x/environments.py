"""The routes of environments."""

from __future__ import annotations

import yaml
from fastapi import APIRouter, Request

from rasa_model_server.authentication import Permission
from rasa_model_server.errors import ApiError
from rasa_model_server.rasa_x.environment_rules import registration_problem
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.storage import EnvironmentRecord
from rasa_model_server.web.access import Access, Role
from rasa_model_server.web.answers import Environment, EnvironmentsFileAnswer, read_json
from rasa_model_server.web.openapi import NO_STORE, SLOW_BODY, UNAUTHORIZED, json_body, refusals

_PATH = "/api/environments"


def environments_file_router(registry: Registry, access: Access) -> APIRouter:
    """Return the routes of /environments of Rasa X before 1.0, which has its environments from a file."""
    router = APIRouter()
    dependencies = access.takes(Permission.ENVIRONMENTS, Role.ADMIN)

    @router.head(_PATH, dependencies=dependencies, include_in_schema=False)
    @router.get(
        _PATH,
        dependencies=dependencies,
        operation_id="showEnvironmentsFile",
        summary="Show environments.yml as it was read at the start",
        response_description="It, with tokens.",
        responses=refusals({400: "There is none."}, UNAUTHORIZED),
    )
    async def show_environments_file() -> EnvironmentsFileAnswer:
        """Answer with the environments in the YAML that they came in."""
        environments = await registry.environments()
        if not environments:
            raise ApiError(
                400,
                "EnvironmentSettingsNotFound",
                "could not find environment settings: this server was started without an environments.yml "
                "(--environments-file)",
            )
        entries = {found.name: {"url": found.url, "token": found.token} for found in environments}
        return EnvironmentsFileAnswer(environments=yaml.safe_dump({"rasa": entries}, sort_keys=False))

    return router


def environments_router(registry: Registry, access: Access) -> APIRouter:
    """Return the routes of /environments of all other servers, which keep them in the store."""
    router = APIRouter()
    dependencies = access.takes(Permission.ENVIRONMENTS, Role.ADMIN)

    @router.head(_PATH, dependencies=dependencies, include_in_schema=False)
    @router.get(
        _PATH,
        dependencies=dependencies,
        operation_id="listEnvironments",
        summary="List the registered environments",
        response_description="Them, with tokens.",
        responses=refusals(NO_STORE, UNAUTHORIZED),
    )
    async def list_environments() -> list[Environment]:
        """List them in the order in which they were registered."""
        return _answer(await registry.environments())

    @router.put(
        _PATH,
        status_code=201,
        dependencies=dependencies,
        operation_id="replaceEnvironments",
        summary="Register environments in place of all others",
        response_description="They are registered.",
        responses=refusals(
            {400: "The body is not a list of environments.", 413: "It is too large."}, NO_STORE, UNAUTHORIZED, SLOW_BODY
        ),
        openapi_extra=json_body(list[Environment]),
    )
    async def replace_environments(request: Request) -> list[Environment]:
        """Replace all of them in one write."""
        environments = await read_json(request, list[Environment])
        records = tuple(EnvironmentRecord(**environment.model_dump()) for environment in environments)
        problem = registration_problem(records)
        if problem is not None:
            raise ApiError(400, "BadRequest", problem)
        await registry.replace(records)
        return _answer(records)

    return router


def _answer(records: tuple[EnvironmentRecord, ...]) -> list[Environment]:
    # Not validated again: those of a file may have what the API would not take.
    return [Environment.model_construct(**record.model_dump()) for record in records]
