"""Answers to exceptions, in the form of Rasa's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from obstore.exceptions import BaseError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import compile_path

from rasa_model_server import __version__
from rasa_model_server.errors import ApiError
from rasa_model_server.storage import NotReadYetError
from rasa_model_server.storage.opening import first_line
from rasa_model_server.web.draining import drain

logger = logging.getLogger(__name__)


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer an exception in the form that Rasa and Rasa X use (rasa/server.py, ErrorResponse)."""
    if isinstance(error, ApiError | BaseError):
        await drain(request)
    found = _as_api_error(request, error)
    body: dict[str, object] = {
        "version": __version__,
        "status": "failure",
        "message": found.message,
        "reason": found.reason,
        "details": {},
        "help": None,
        "code": found.status,
    }
    return Response(orjson.dumps(body), found.status, found.headers, media_type="application/json")


EXCEPTION_HANDLERS: Mapping[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = (
    dict.fromkeys(
        (ApiError, HTTPException, RequestValidationError, BaseError, ClientDisconnect, Exception), answer_error
    )
)


def _as_api_error(request: Request, error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case HTTPException():
            return _as_routing_error(request, error)
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            return ApiError(400, "BadRequest", f"the request is wrong at {where}: {first['msg']}")
        case BaseError():
            return _as_store_error(error)
        case ClientDisconnect():
            # Nobody reads it, but the access log shows it.
            return ApiError(400, "ClientDisconnect", "the client went away before it had sent everything")
        case _:
            # Starlette raises it again, so that uvicorn logs the traceback.
            return ApiError(500, "InternalError", "the server failed: its log says how")


def _as_store_error(error: BaseError) -> ApiError:
    if isinstance(error, NotReadYetError):
        return ApiError(503, "NotReadYet", str(error), {"Retry-After": "5"})
    logger.warning("the object store failed: %s: %s", type(error).__name__, first_line(error))
    message = "the object store failed: the log of this server says how"
    return ApiError(503, "StoreUnavailable", message, {"Retry-After": "5"})


def _as_routing_error(request: Request, error: HTTPException) -> ApiError:
    if error.status_code == 404:
        return ApiError(404, "NotFound", "there is nothing at this path: /openapi.json lists what there is")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return ApiError(error.status_code, HTTPStatus(error.status_code).phrase.replace(" ", ""), error.detail, headers)


def _methods_at(request: Request) -> set[str]:
    """Return the methods of all routes with the path of the request: a route on its own knows its own only."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path is not None and compile_path(route.path)[0].match(request.url.path):
            found |= route.methods or set()
    return found
