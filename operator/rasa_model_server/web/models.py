"""Models and tags: what is listed, uploaded, tagged and deleted, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from rasa_model_server.errors import ApiError
from rasa_model_server.names import is_same_but_for_case
from rasa_model_server.storage import AdoptedModelError, Catalogue, TaggedModel
from rasa_model_server.web.access import share_of
from rasa_model_server.web.answers import ModelAnswer, model_answer
from rasa_model_server.web.model_check import ModelCheck, ProductionUnavailableError, is_compatible
from rasa_model_server.web.paths import not_found
from rasa_model_server.web.upload import receive_model
from rasa_model_server.web.upload_slots import UploadSlots
from rasa_model_server.web.variant import ModelApi


@dataclass(frozen=True)
class Page:
    """A page of the models, and how many there are in all."""

    models: list[ModelAnswer]
    total: int


@dataclass(frozen=True)
class Uploaded:
    """An uploaded model, and whether it is new."""

    model: ModelAnswer
    created: bool


class Models:
    """The models and tags of the one project."""

    def __init__(self, catalogue: Catalogue, api: ModelApi, check: ModelCheck) -> None:
        self._catalogue = catalogue
        self._api = api
        self._check = check
        self._slots = UploadSlots()

    async def page(self, tag: str | None, offset: int, limit: int | None) -> Page:
        """Return the models, or those with a tag, the last trained first."""
        found = [model for model in await self._catalogue.models() if tag is None or tag in model.tags]
        try:
            minimum = await self._check.minimum_version()
        except ProductionUnavailableError:
            # It may well be able to load them all: a listing says nothing against a model without knowing.
            minimum = None
        shown = found[offset : offset + limit if limit is not None else None]
        return Page([model_answer(self._api.project, model, minimum) for model in shown], len(found))

    async def upload(self, request: Request) -> Uploaded:
        """Receive a model. If the variant allows it, uploading the same file again is no error.

        Raises ApiError if the model is not accepted, with the status that the variant has for the reason.
        """
        variant = self._api.variant
        try:
            minimum = await self._check.minimum_version()
            async with self._slots.taken_by(share_of(request)):
                upload = await receive_model(request, self._catalogue, self._api, minimum)
        except ProductionUnavailableError as error:
            raise ApiError(
                variant.model_refused, "ProductionNotReachable", f"the model is not taken: {error}"
            ) from None
        except ApiError as error:
            statuses = {400: variant.model_refused, 409: variant.model_exists}
            status = statuses.get(error.status, error.status)
            raise ApiError(status, error.reason, error.message, error.headers) from None
        return Uploaded(model_answer(self._api.project, TaggedModel(upload.record, ()), minimum), upload.created)

    async def delete(self, name: str, *, force: bool) -> None:
        """Delete a model; one that has tags only with `force`, its tags with it.

        Raises ApiError: 404 if there is no such model, 409 if it has tags, or its file was adopted.
        """
        tags = [] if force else await self._catalogue.tags_of(name)
        if tags:
            shown = f"the tag{'s' if len(tags) > 1 else ''} {', '.join(map(repr, tags))}"
            remedy = "move them to another model first, or delete with ?force=true"
            raise ApiError(409, "ModelTagged", f"the model {name!r} has {shown}: {remedy}")
        try:
            deleted = await self._catalogue.delete_model(name)
        except AdoptedModelError:
            message = f"the file of the model {name!r} was not written by this server: delete it in the adopted bucket"
            raise ApiError(409, "AdoptedModel", message) from None
        if not deleted:
            raise not_found(f"there is no model {name!r}")

    async def put_tag(self, name: str, tag: str) -> None:
        """Tag a model, which takes the tag from any other.

        Raises ApiError: 400 if the tag differs from another in case only, 404 if there is no such model or production
        cannot load it.
        """
        await self._require_distinct(tag)
        await self._require_loadable(name)
        if not await self._catalogue.put_tag(tag, name):
            raise not_found(f"there is no model {name!r}")

    async def delete_tag(self, name: str, tag: str) -> None:
        """Take a tag from a model. That the model does not have it is no error.

        Raises ApiError (404) if there is no such model.
        """
        if not await self._catalogue.remove_tag(tag, name):
            raise not_found(f"there is no model {name!r}")

    async def _require_distinct(self, tag: str) -> None:
        """Refuse a tag that somebody, or a store that folds case, could take for another one."""
        reserved = await self._check.reserved_tags()
        other = next((name for name in reserved if is_same_but_for_case(name, tag)), None)
        other = other or await self._catalogue.tag_that_differs_in_case(tag)
        if other is not None:
            message = f"the tag {tag!r} differs from {other!r} in upper and lower case only: use {other!r}, or another"
            raise ApiError(400, "BadName", message)

    async def _require_loadable(self, name: str) -> None:
        """Refuse a model that the production server cannot load, whatever the tag, as Rasa X does."""
        try:
            minimum = await self._check.minimum_version()
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
