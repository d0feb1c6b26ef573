"""Models and tags: list, upload, pull, tag, delete."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.errors import ApiError
from rasa_model_server.names import is_same_but_for_case, name_problem
from rasa_model_server.rasa_x.environment_rules import PRODUCTION, WORKER
from rasa_model_server.rasa_x.production import Production, ProductionUnavailableError, is_compatible
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.settings import Settings
from rasa_model_server.storage import Catalogue, ModelRecord, TaggedModel
from rasa_model_server.web.answers import json_response, model_answer
from rasa_model_server.web.callers import share_of
from rasa_model_server.web.download import model_response
from rasa_model_server.web.upload import receive_model
from rasa_model_server.web.upload_slots import UploadSlots

NO_CONTENT = 204


class ModelHandlers:
    """The handlers of everything below /models. With a `production`, only what it can load is taken and tagged."""

    def __init__(
        self, catalogue: Catalogue, settings: Settings, production: Production | None, registry: Registry
    ) -> None:
        self._catalogue = catalogue
        self._registry = registry
        self._settings = settings
        self._production = production
        self._slots = UploadSlots()

    async def list_models(self, request: Request) -> Response:
        """Answer the models, or those with a tag, the last trained first."""
        self._check_project(request)
        limit = _count(request, "limit")
        offset = _count(request, "offset") or 0
        tag = request.query_params.get("tag")
        found = [model for model in await self._catalogue.models() if tag is None or tag in model.tags]
        page = found[offset : offset + limit if limit is not None else None]
        try:
            minimum = await self._minimum_version()
        except ProductionUnavailableError:
            # It may well be able to load them all: a listing says nothing against a model without knowing.
            minimum = None
        answers = [model_answer(self._settings.project, model, minimum) for model in page]
        return json_response(answers, headers={"X-Total-Count": str(len(found))})

    async def upload_model(self, request: Request) -> Response:
        """Take in a model. Where the profile has it so, the same file again is no error."""
        self._check_project(request)
        profile = self._settings.profile
        try:
            minimum = await self._minimum_version()
            async with self._slots.taken_by(share_of(request)):
                upload = await receive_model(request, self._catalogue, self._settings, minimum)
        except ProductionUnavailableError as error:
            raise ApiError(
                profile.model_refused, "ProductionNotReachable", f"the model is not taken: {error}"
            ) from None
        except ApiError as error:
            statuses = {400: profile.model_refused, 409: profile.model_exists}
            status = statuses.get(error.status, error.status)
            raise ApiError(status, error.reason, error.message, error.headers) from None
        if profile.model_uploaded == NO_CONTENT:
            return Response(status_code=NO_CONTENT)
        answer = model_answer(self._settings.project, TaggedModel(upload.record, ()), minimum)
        return json_response(answer, profile.model_uploaded if upload.created else 200)

    async def pull_model(self, request: Request) -> Response:
        """Send a model by its name."""
        self._check_project(request)
        name = _name(request, "model")
        return await self._send(request, await self._catalogue.model(name), f"there is no model {name!r}")

    async def pull_tag(self, request: Request) -> Response:
        """Send the model that has a tag."""
        self._check_project(request)
        tag = _name(request, "tag")
        return await self._send(request, await self._catalogue.model_with_tag(tag), f"no model has the tag {tag!r}")

    async def delete_model(self, request: Request) -> Response:
        """Delete a model, its tags with it."""
        self._check_project(request)
        name = _name(request, "model")
        if not await self._catalogue.delete_model(name):
            raise _not_found(f"there is no model {name!r}")
        return Response(status_code=204)

    async def put_tag(self, request: Request) -> Response:
        """Tag a model, which takes the tag from any other."""
        self._check_project(request)
        name, tag = _name(request, "model"), _name(request, "tag")
        await self._check_case(tag)
        await self._check_production_loads(name)
        if not await self._catalogue.put_tag(tag, name):
            raise _not_found(f"there is no model {name!r}")
        return Response(status_code=self._settings.profile.tag_written)

    async def delete_tag(self, request: Request) -> Response:
        """Take a tag from a model. That the model does not have it is no error."""
        self._check_project(request)
        name, tag = _name(request, "model"), _name(request, "tag")
        if not await self._catalogue.remove_tag(tag, name):
            raise _not_found(f"there is no model {name!r}")
        return Response(status_code=self._settings.profile.tag_written)

    async def _minimum_version(self) -> str | None:
        return await self._production.minimum_version() if self._production is not None else None

    async def _check_case(self, tag: str) -> None:
        """Refuse a tag that somebody, or a store that folds case, could take for another one."""
        protected = (PRODUCTION, WORKER, *(environment.name for environment in await self._registry.environments()))
        other = next((name for name in protected if is_same_but_for_case(name, tag)), None)
        other = other or await self._catalogue.tag_that_differs_in_case(tag)
        if other is not None:
            message = f"the tag {tag!r} differs from {other!r} in upper and lower case only: use {other!r}, or another"
            raise ApiError(400, "BadName", message)

    async def _check_production_loads(self, name: str) -> None:
        """Refuse a model that the production server cannot load, whatever the tag, as Rasa X does."""
        try:
            minimum = await self._minimum_version()
        except ProductionUnavailableError as error:
            raise ApiError(404, "ModelTagError", f"failed to tag the model {name!r}: {error}") from None
        record = await self._catalogue.model(name) if minimum is not None else None
        if record is not None and not is_compatible(record.version, minimum):
            raise ApiError(
                404,
                "ModelTagError",
                f"failed to tag the model {name!r}: Rasa {record.version} trained it, and the oldest that the "
                f"production server can load is {minimum}: train it again",
            )

    async def _send(self, request: Request, record: ModelRecord | None, absent: str) -> Response:
        if record is None:
            raise _not_found(absent)
        return await model_response(request, record, self._catalogue, self._settings.profile)

    def _check_project(self, request: Request) -> None:
        project = request.path_params.get("project", self._settings.project)
        if project != self._settings.project:
            raise ApiError(
                404,
                "ProjectNotFound",
                f"there is no project {project!r}: the project of this server is {self._settings.project!r}",
            )


def _name(request: Request, kind: str) -> str:
    name = str(request.path_params[kind])
    problem = name_problem("model" if kind == "model" else "tag", name)
    if problem is not None:
        raise ApiError(400, "BadName", problem)
    return name


def _count(request: Request, parameter: str) -> int | None:
    given = request.query_params.get(parameter)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise ApiError(400, "BadRequest", f"{parameter}={given[:20]!r} is not a whole number from 0")
    return int(given)


def _not_found(message: str) -> ApiError:
    return ApiError(404, "ModelNotFound", message)
