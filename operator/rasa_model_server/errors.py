"""Answers that say what is wrong, in the form of Rasa's own."""

from __future__ import annotations

import logging
from http import HTTPStatus

import orjson
from obstore.exceptions import BaseError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rasa_model_server import __version__
from rasa_model_server.storage.opening import first_line

logger = logging.getLogger(__name__)


class ApiError(Exception):
    """An error to answer with: the HTTP status, a reason in one CamelCase word for programs, a message for people."""

    def __init__(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}


HANDLED = (ApiError, HTTPException, BaseError, ClientDisconnect, Exception)
"""What `answer_error` is to be registered for."""


async def answer_error(_: Request, error: Exception) -> Response:
    """Answer whatever was raised, in the form that Rasa and Rasa X use (rasa/server.py, ErrorResponse)."""
    found = _as_api_error(error)
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


def _as_api_error(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case HTTPException(status_code=404):
            return ApiError(404, "NotFound", "there is nothing at this path: /openapi.json lists what there is")
        case HTTPException():
            reason = HTTPStatus(error.status_code).phrase.replace(" ", "")
            return ApiError(error.status_code, reason, error.detail, dict(error.headers or {}))
        case BaseError():
            logger.warning("the object store failed: %s: %s", type(error).__name__, first_line(error))
            message = "the object store failed: the log of this server says how"
            return ApiError(503, "StoreUnavailable", message, {"Retry-After": "5"})
        case ClientDisconnect():
            # Nobody reads it, but the access log shows it.
            return ApiError(400, "ClientDisconnect", "the client went away before it had sent everything")
        case _:
            # Starlette raises it again, so that uvicorn logs the traceback.
            return ApiError(500, "InternalError", "the server failed: its log says how")
