"""The parts of the OpenAPI document that FastAPI cannot derive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from rasa_model_server.names import MAXIMUM_NAME_LENGTH
from rasa_model_server.web.answers import ErrorAnswer

NO_STORE = {503: "The object store does not answer."}
UNAUTHORIZED = {401: "No credentials, or wrong ones.", 403: "The credentials do not open this."}
SLOW_BODY = {408: "The body took too long."}
NAME_SCHEMA: Mapping[str, Any] = {"minLength": 1, "maxLength": MAXIMUM_NAME_LENGTH}
"""What a name in a path looks like. It is checked by hand: a bad one is 400, and says why."""

_SCHEMAS = "#/components/schemas/"
_ERROR = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{ErrorAnswer.__name__}"}}}
"""The body of an error. As a `model`, FastAPI would make a validator of it for each error of each route."""

Responses = dict[int | str, dict[str, Any]]


def refusals(*meanings: Mapping[int, str]) -> Responses:
    """Return the errors that a route answers with, by status."""
    return {
        status: {"description": meaning, "content": _ERROR}
        for by_status in meanings
        for status, meaning in by_status.items()
    }


def headers(meanings: Mapping[str, str]) -> dict[str, object]:
    """Return the headers of an answer, by name."""
    return {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in meanings.items()}


def json_body(body: type[object]) -> dict[str, Any]:
    """Return the request's body, which the route reads with `read_json`."""
    schema = TypeAdapter[object](body).json_schema(ref_template=_SCHEMAS + "{model}")
    schema.pop("$defs", None)  # Each is in the document already, as the body of an answer.
    return _request_body({"application/json": {"schema": schema}})


def model_body(part: str) -> dict[str, Any]:
    """Return the request's body that is one model file."""
    file = {"type": "string", "contentMediaType": "application/gzip", "description": "<model>.tar.gz"}
    form = {"type": "object", "required": [part], "properties": {part: file}}
    return _request_body({"multipart/form-data": {"schema": form}})


class DocumentedAPI(FastAPI):
    """FastAPI, whose document does not promise 422: what it would answer with that, this server answers with 400."""

    def openapi(self) -> dict[str, Any]:
        """Return the document."""
        if self.openapi_schema is None:
            document = super().openapi()
            for item in document["paths"].values():
                for operation in item.values():
                    operation["responses"].pop("422", None)
            schemas = document["components"]["schemas"]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas[ErrorAnswer.__name__] = ErrorAnswer.model_json_schema()
            document["components"]["schemas"] = dict(sorted(schemas.items()))
        return super().openapi()


def openapi_router() -> APIRouter:
    """Return the route of the document itself."""
    router = APIRouter()

    @router.head("/openapi.json", include_in_schema=False)
    @router.get("/openapi.json", operation_id="openapi", summary="This document", response_description="The document.")
    async def openapi(request: Request) -> JSONResponse:
        """Show all paths of this server, what they take and what they answer."""
        return JSONResponse(request.app.openapi())

    return router


def _request_body(content: Mapping[str, object]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
