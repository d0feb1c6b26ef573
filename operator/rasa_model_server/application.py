"""The ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from obstore.exceptions import BaseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from outbound_http.addresses import AddressPolicy
from rasa_model_server.authentication import Authenticator, Permission
from rasa_model_server.errors import HANDLED, ApiError, answer_error
from rasa_model_server.metrics import Metrics
from rasa_model_server.rasa_x.chat import ChatHandlers
from rasa_model_server.rasa_x.environments import EnvironmentHandlers
from rasa_model_server.rasa_x.operations import RasaXHandlers
from rasa_model_server.rasa_x.production import Production
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServers
from rasa_model_server.rasa_x.versions import Versions
from rasa_model_server.settings import Settings, environments_of, users_of
from rasa_model_server.storage import Catalogue, Storage, open_storage
from rasa_model_server.storage.sweeping import sweeping
from rasa_model_server.web.answers import json_response
from rasa_model_server.web.api import Handlers, operations
from rasa_model_server.web.callers import set_caller
from rasa_model_server.web.configuration import ConfigurationHandlers
from rasa_model_server.web.draining import drain
from rasa_model_server.web.exposition import MetricsHandlers
from rasa_model_server.web.health import HealthHandlers, RasaXHealthHandlers
from rasa_model_server.web.login import LoginHandlers
from rasa_model_server.web.models import ModelHandlers
from rasa_model_server.web.observation import ROUTE, Observation
from rasa_model_server.web.openapi import openapi_document
from rasa_model_server.web.operations import Answer, Operation
from rasa_model_server.web.roles import check_role

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class _Router:
    """Makes routes of operations, each behind the check of who is calling."""

    authenticator: Authenticator

    def routes(self, all_operations: Sequence[Operation]) -> list[BaseRoute]:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in all_operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        return [Route(path, self._endpoint(path, methods), methods=list(methods)) for path, methods in by_path.items()]

    def _endpoint(self, path: str, methods: Mapping[str, Operation]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            request.scope[ROUTE] = path
            # The router answers HEAD wherever there is a GET.
            operation = methods.get(request.method) or methods["GET"]
            try:
                caller = self.authenticator.authorize(operation.permission, request.query_params, request.headers)
                check_role(operation.role, caller, request)
                set_caller(request, caller)
                return await operation.handler(request)
            except (ApiError, BaseError):
                await drain(request)
                raise

        return endpoint


def create_application(settings: Settings, storage: Storage | None = None) -> Starlette:
    """Return the application for these settings.

    Raises:
        StorageError: the store that the settings name cannot be opened.
        SettingsError: the environments or the users that the settings name cannot be read.
    """
    opened = storage if storage is not None else open_storage(settings.storage)
    catalogue = Catalogue(opened.store, opened.directory)
    metrics = Metrics()
    authenticator = Authenticator(
        settings.credentials,
        users_of(settings),
        anonymous=settings.insecure_no_authentication,
        another_kind=settings.profile.credential_of_another_kind,
    )
    policy = AddressPolicy(allow_loopback=settings.loopback_allowed)
    servers = RasaServers(policy) if settings.profile.rasa_x is not None else None
    api = operations(_handlers(settings, catalogue, authenticator, metrics, servers), settings.profile)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sweeping(opened):
            yield
        if servers is not None:
            await servers.aclose()

    return Starlette(
        routes=_Router(authenticator).routes([*api, _openapi(api)]),
        middleware=[Middleware(Observation, metrics=metrics)],
        exception_handlers=dict.fromkeys(HANDLED, answer_error),
        lifespan=lifespan,
    )


def _handlers(
    settings: Settings,
    catalogue: Catalogue,
    authenticator: Authenticator,
    metrics: Metrics,
    servers: RasaServers | None,
) -> Handlers:
    rasa_x = settings.profile.rasa_x
    file_only = rasa_x is not None and rasa_x.environments_in_file
    registry = Registry(catalogue, environments_of(settings), file_only=file_only)
    return Handlers(
        models=ModelHandlers(
            catalogue, settings, Production(registry, servers) if servers is not None else None, registry
        ),
        login=LoginHandlers(authenticator),
        configuration=ConfigurationHandlers(settings),
        environments=EnvironmentHandlers(registry),
        health=HealthHandlers(catalogue),
        metrics=MetricsHandlers(catalogue, metrics),
        rasa_x=RasaXHandlers(
            RasaXHealthHandlers(rasa_x, Versions(registry, servers), authenticator), ChatHandlers(registry, servers)
        )
        if rasa_x is not None and servers is not None
        else None,
    )


def _openapi(api: Sequence[Operation]) -> Operation:
    async def answer(_: Request) -> Response:
        return json_response(document)

    operation = Operation(
        "GET",
        "/openapi.json",
        "openapi",
        "This document",
        Permission.NOTHING,
        answer,
        {200: Answer("The document.", media_type="application/json")},
    )
    document = openapi_document([*api, operation])
    return operation
