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

from rasa_model_server.authentication import Authenticator, Permission
from rasa_model_server.errors import HANDLED, ApiError, answer_error
from rasa_model_server.metrics import Metrics
from rasa_model_server.settings import Settings
from rasa_model_server.storage import Catalogue, Storage, open_storage
from rasa_model_server.storage.sweeping import sweeping
from rasa_model_server.web.answers import json_response
from rasa_model_server.web.api import operations
from rasa_model_server.web.draining import drain
from rasa_model_server.web.models import ModelHandlers
from rasa_model_server.web.observation import ROUTE, Observation
from rasa_model_server.web.openapi import openapi_document
from rasa_model_server.web.operations import Answer, Operation
from rasa_model_server.web.service import ServiceHandlers

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
                self.authenticator.authorize(operation.permission, request.query_params, request.headers)
                return await operation.handler(request)
            except (ApiError, BaseError):
                await drain(request)
                raise

        return endpoint


def create_application(settings: Settings, storage: Storage | None = None) -> Starlette:
    """Return the application for these settings.

    Raises:
        StorageError: the store that the settings name cannot be opened.
    """
    opened = storage if storage is not None else open_storage(settings.storage)
    catalogue = Catalogue(opened.store)
    metrics = Metrics()
    authenticator = Authenticator(settings.credentials, anonymous=settings.insecure_no_authentication)
    service = ServiceHandlers(catalogue, authenticator, settings, metrics)
    api = operations(ModelHandlers(catalogue, settings), service, settings.profile)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sweeping(opened):
            yield

    return Starlette(
        routes=_Router(authenticator).routes([*api, _openapi(api)]),
        middleware=[Middleware(Observation, metrics=metrics)],
        exception_handlers=dict.fromkeys(HANDLED, answer_error),
        lifespan=lifespan,
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
