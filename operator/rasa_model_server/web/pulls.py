"""Pulling models by name and by tag, which every Rasa server does every few seconds."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import request_response

from rasa_model_server.authentication import Permission
from rasa_model_server.storage import Catalogue, ModelRecord
from rasa_model_server.web.access import Access
from rasa_model_server.web.download import model_response
from rasa_model_server.web.openapi import NAME_SCHEMA, NO_STORE, UNAUTHORIZED, Responses, headers, refusals
from rasa_model_server.web.paths import COLLECTION, not_found, require_name, require_project
from rasa_model_server.web.redirection import redirect_response
from rasa_model_server.web.variant import ApiVariant, ModelApi

_HEADERS = headers({"ETag": "The model's hash, in quotes.", "filename": "What to call the file: <model>.tar.gz."})
_KNOWN = {"If-None-Match": "ETag of the model that the caller has, quoted or bare."}
_RANGE = {"Range": "One range of bytes to send.", "If-Range": "Follow Range only if the model still has this ETag."}
_REFUSALS = {
    400: "The name cannot be one of a model or tag.",
    404: "There is no such model, tag or project.",
}
_REDIRECTED: Responses = {
    307: {"description": "The model is at this URL for some minutes.", "headers": headers({"Location": "The URL."})}
}

Endpoint = Callable[[Request], Awaitable[Response]]


class PullRoute(APIRoute):
    """A route that is documented by FastAPI, and served by Starlette alone.

    Pull checks are nearly all that the server does, and FastAPI's dependencies would take a sixth of them.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, endpoint, response_class=Response, **options)
        self.app = request_response(endpoint)


class _Pulls:
    """The endpoints."""

    def __init__(self, catalogue: Catalogue, api: ModelApi, access: Access) -> None:
        self._catalogue = catalogue
        self._api = api
        self._access = access

    async def by_name(self, request: Request) -> Response:
        """Send the model whole, as a range of bytes, or not at all if the caller has it."""
        name = self._admitted(request, "model")
        return await self._send(request, await self._catalogue.model(name), f"there is no model {name!r}")

    async def by_tag(self, request: Request) -> Response:
        """Send the model whole, as a range of bytes, or not at all if the caller has it."""
        tag = self._admitted(request, "tag")
        return await self._send(request, await self._catalogue.model_with_tag(tag), f"no model has the tag {tag!r}")

    def _admitted(self, request: Request, kind: Literal["model", "tag"]) -> str:
        """Authorize the caller, and return the name in the path."""
        self._access.admit(request, Permission.READ_MODELS)
        require_project(request.path_params.get("project", self._api.project), self._api.project)
        return require_name(kind, request.path_params[kind])

    async def _send(self, request: Request, record: ModelRecord | None, absent: str) -> Response:
        if record is None:
            raise not_found(absent)
        if self._api.redirects:
            redirected = await redirect_response(request, record, self._catalogue, self._api.variant)
            if redirected is not None:
                return redirected
        return await model_response(request, record, self._catalogue, self._api.variant)


def pull_routes(catalogue: Catalogue, api: ModelApi, access: Access) -> list[PullRoute]:
    """Return the routes. FastAPI's `include_router` would wrap them: they belong to the application itself."""
    pulls = _Pulls(catalogue, api, access)
    tag = "/projects/{project}/models/tags/{tag}"
    by_tag = "Pull the model that has a tag"
    security = access.security(Permission.READ_MODELS)

    def routes(path: str, endpoint: Endpoint, name: str, summary: str, **options: Any) -> list[PullRoute]:
        return [
            PullRoute(
                path,
                endpoint,
                methods=["GET"],
                operation_id=f"pull{name}",
                summary=summary,
                response_description="The model.",
                responses=_answers(api.variant, ranges=True) | (_REDIRECTED if api.redirects else {}),
                openapi_extra={"security": security, "parameters": _parameters(path, _KNOWN | _RANGE)},
                **options,
            ),
            PullRoute(
                path,
                endpoint,
                methods=["HEAD"],
                operation_id=f"head{name}",
                summary=f"{summary}: its headers only",
                response_description="The model.",
                responses=_answers(api.variant, ranges=False),
                openapi_extra={"security": security, "parameters": _parameters(path, _KNOWN)},
                **options,
            ),
        ]

    found = [
        *routes(f"/api{tag}", pulls.by_tag, "Tag", by_tag),
        *routes(f"{COLLECTION}/{{model}}", pulls.by_name, "Model", "Pull a model"),
    ]
    if api.variant.tags_without_project:
        found += routes("/api/models/tags/{tag}", pulls.by_tag, "TagOfDefaultProject", by_tag)
    if api.variant.paths_without_api:
        summary = f"{by_tag}, at the path of Rasa X 0.2x"
        found += routes(tag, pulls.by_tag, "TagWithoutApi", summary, deprecated=True)
    return found


def _answers(variant: ApiVariant, *, ranges: bool) -> Responses:
    file: dict[str, object] = {"content": {"application/gzip": {}}, "headers": _HEADERS}
    answers: Responses = {
        200: file,
        variant.unchanged: {"description": "The caller has it: If-None-Match names its ETag.", "headers": _HEADERS},
    }
    refused = refusals(_REFUSALS, NO_STORE, UNAUTHORIZED)
    if not ranges:
        return answers | refused
    part: Responses = {206: {"description": "A range of it."} | file}
    return answers | part | refused | refusals({416: "The range is outside of the model."})


def _parameters(path: str, sent: Mapping[str, str]) -> list[dict[str, object]]:
    named: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", **NAME_SCHEMA}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    return named + [
        {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in sent.items()
    ]
