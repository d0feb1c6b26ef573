"""The routes of models and tags, except pulls."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field

from rasa_model_server.authentication import Permission
from rasa_model_server.errors import ApiError
from rasa_model_server.web.access import Access, Role
from rasa_model_server.web.answers import ModelAnswer
from rasa_model_server.web.models import Models
from rasa_model_server.web.openapi import NO_STORE, UNAUTHORIZED, Responses, headers, model_body, refusals
from rasa_model_server.web.paths import COLLECTION, ModelName, NameInPath, TagName, require_project
from rasa_model_server.web.upload import MODEL_PART
from rasa_model_server.web.variant import ApiVariant, ModelApi

_MODEL = f"{COLLECTION}/{{model}}"
_TAG = f"{_MODEL}/tags/{{tag}}"
_NO_CONTENT = 204

_BAD_NAME = {400: "The name cannot be one of a model or tag."}
_NO_MODEL = {404: "There is no such model, tag or project."}
_NOT_TAGGED = {404: "There is no such model or project, or production cannot load the model, or is not reachable."}
_KEPT = {409: "The model has tags, and force is not set; or its file was not written by this server."}
_NOT_RECEIVED = {413: "The model is too large.", 429: "Too many uploads are under way."}


def _count(parameter: str, given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise ApiError(400, "BadRequest", f"{parameter}={given[:20]!r} is not a whole number from 0")
    return int(given)


Count = Annotated[int, Field(ge=0)]
Limit = Annotated[Count | None, BeforeValidator(partial(_count, "limit")), Query(description="Send at most so many.")]
Offset = Annotated[Count, BeforeValidator(partial(_count, "offset")), Query(description="Skip so many.")]
Force = Annotated[bool, Query(description="Delete the model even if it has tags, and its tags with it.")]
WithTag = Annotated[str | None, Query(description="Only the model that has this tag.")]


def model_router(models: Models, api: ModelApi, access: Access) -> APIRouter:
    """Return the routes of models and their tags. Permissions are checked before the name of the project."""

    async def this_project(project: NameInPath) -> None:
        require_project(project, api.project)

    in_project = Depends(this_project)
    read = [*access.takes(Permission.READ_MODELS), in_project]
    write = [*access.takes(Permission.WRITE_MODELS), in_project]
    delete = [*access.takes(Permission.WRITE_MODELS, Role.ADMIN), in_project]
    promote = [*access.takes(Permission.WRITE_MODELS, Role.PROMOTER), in_project]
    router = APIRouter()
    router.include_router(_listing(models), dependencies=read)
    router.include_router(_uploads(models, api.variant), dependencies=write)
    router.include_router(_deletions(models), dependencies=delete)
    router.include_router(_tags(models, api.variant), dependencies=promote)
    return router


def _listing(models: Models) -> APIRouter:
    router = APIRouter()
    listed: Responses = {200: {"headers": headers({"X-Total-Count": "How many there are in all."})}}

    @router.head(COLLECTION, include_in_schema=False)
    @router.get(
        COLLECTION,
        operation_id="listModels",
        summary="List the models, the last trained first",
        response_description="The models.",
        responses=listed | refusals({400: "limit or offset is no number."}, _NO_MODEL, NO_STORE, UNAUTHORIZED),
    )
    async def list_models(
        response: Response, limit: Limit = None, offset: Offset = 0, tag: WithTag = None
    ) -> list[ModelAnswer]:
        """List the models with the tags that they have now."""
        page = await models.page(tag, offset, limit)
        response.headers["X-Total-Count"] = str(page.total)
        return page.models

    return router


def _uploads(models: Models, variant: ApiVariant) -> APIRouter:
    router = APIRouter()

    @router.post(
        COLLECTION,
        status_code=variant.model_uploaded,
        response_class=Response,
        operation_id="uploadModel",
        summary="Upload a model",
        response_description="The model was taken in.",
        responses=_upload_responses(variant),
        openapi_extra=model_body(MODEL_PART),
    )
    async def upload_model(request: Request) -> Response:
        """Take the name of the model from the name of the file, `<model>.tar.gz`."""
        uploaded = await models.upload(request)
        if variant.model_uploaded == _NO_CONTENT:
            return Response(status_code=_NO_CONTENT)
        status = variant.model_uploaded if uploaded.created else 200
        return JSONResponse(uploaded.model.model_dump(mode="json"), status)

    return router


def _deletions(models: Models) -> APIRouter:
    router = APIRouter()

    @router.delete(
        _MODEL,
        status_code=_NO_CONTENT,
        response_class=Response,
        operation_id="deleteModel",
        summary="Delete a model; with force, one that has tags",
        response_description="It is gone.",
        responses=refusals(_BAD_NAME, _NO_MODEL, _KEPT, NO_STORE, UNAUTHORIZED),
    )
    async def delete_model(model: ModelName, force: Force = False) -> Response:
        """Delete the model from the store. A Rasa server that has loaded it keeps it."""
        await models.delete(model, force=force)
        return Response(status_code=_NO_CONTENT)

    return router


def _tags(models: Models, variant: ApiVariant) -> APIRouter:
    responses = refusals(_BAD_NAME, _NOT_TAGGED, NO_STORE, UNAUTHORIZED)
    router = APIRouter(default_response_class=Response, responses=responses)

    @router.put(
        _TAG,
        status_code=variant.tag_written,
        operation_id="putTag",
        summary="Tag a model, which takes the tag from any other",
        response_description="Done.",
    )
    async def put_tag(model: ModelName, tag: TagName) -> Response:
        """Tag the model. The Rasa servers that pull the tag load the model at their next pull."""
        await models.put_tag(model, tag)
        return Response(status_code=variant.tag_written)

    @router.delete(
        _TAG,
        status_code=variant.tag_written,
        operation_id="deleteTag",
        summary="Take a tag from a model",
        response_description="Done.",
    )
    async def delete_tag(model: ModelName, tag: TagName) -> Response:
        """Take the tag away. That the model does not have it is no error."""
        await models.delete_tag(model, tag)
        return Response(status_code=variant.tag_written)

    return router


def _upload_responses(variant: ApiVariant) -> Responses:
    content: dict[str, object] = {"model": ModelAnswer}
    answers: Responses = {variant.model_uploaded: content} if variant.model_uploaded != _NO_CONTENT else {}
    if variant.repeated_upload_accepted:
        answers[200] = {"description": "The same file was there already under this name."} | content
    return (
        answers
        | refusals(_NOT_RECEIVED, _NO_MODEL, NO_STORE, UNAUTHORIZED)
        | refusals(
            {
                variant.model_exists: "The name is taken by another model.",
                variant.model_refused: "The file is not a model, or not one that production can load.",
            }
        )
    )
