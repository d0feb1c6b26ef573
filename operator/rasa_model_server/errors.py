"""Answers that say what is wrong, in the form of Rasa's own."""

from __future__ import annotations

import logging
from http import HTTPStatus

import orjson
from obstore.exceptions import BaseError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server import __version__

from .storage.opening import first_line

logger = logging.getLogger(__name__)


class ApiError(Exception):
    """An error to answer with: the HTTP status, a reason in one CamelCase word for programs, a message for people."""

    def __init__(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}


def error_response(error: ApiError) -> Response:
    """Return the answer for an error, as Rasa and Rasa X shape theirs (rasa/server.py, ErrorResponse)."""
    body: dict[str, object] = {
        "version": __version__,
        "status": "failure",
        "message": error.message,
        "reason": error.reason,
        "details": {},
        "help": None,
        "code": error.status,
    }
    headers = dict(error.headers)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), error.status, headers, media_type="application/json")


async def answer_api_error(_: Request, error: Exception) -> Response:
    """Answer an ApiError."""
    assert isinstance(error, ApiError)
    return error_response(error)


async def answer_http_exception(_: Request, error: Exception) -> Response:
    """Answer what the router refuses: a path or a method that there is not."""
    assert isinstance(error, HTTPException)
    reason = HTTPStatus(error.status_code).phrase.replace(" ", "")
    message = {404: "there is nothing at this path: /openapi.json lists what there is"}.get(
        error.status_code, error.detail
    )
    return error_response(ApiError(error.status_code, reason, message, dict(error.headers or {})))


async def answer_store_error(_: Request, error: Exception) -> Response:
    """Answer for an object store that fails: 503, for the caller may try again."""
    assert isinstance(error, BaseError)
    logger.error("the object store failed: %s: %s", type(error).__name__, first_line(error))
    return error_response(
        ApiError(503, "StoreUnavailable", "the object store failed: the server's log says how", {"Retry-After": "5"})
    )


async def answer_unexpected(_: Request, error: Exception) -> Response:
    """Answer for a defect of the server. The server logs the traceback itself."""
    return error_response(ApiError(500, "InternalError", "the server failed: its log says how"))


async def answer_disconnect(_: Request, error: Exception) -> Response:
    """End a request whose client has gone: nobody reads the answer, and its status is what the access log shows."""
    return Response(status_code=400)
