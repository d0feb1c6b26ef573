"""The HTTP API of a model server: Rasa X, Rasa Enterprise, the server of this project, or any compatible one."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, TypeAdapter

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import (
    decoded,
    error_for,
    logged_words,
    reason_of,
    refusal,
    refuse_web_page,
    status_and_reason,
)
from rasa_environments.rasa.authentication import Authenticator
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.environments import EnvironmentRegistry
from rasa_environments.rasa.errors import (
    AnswerTooLargeError,
    EnvironmentNeededError,
    ListingTimeoutError,
    ListingTooLongError,
    ModelNameConflictError,
    ModelRefusedError,
    ModelTooLargeError,
    NoListingError,
    NoModelFileError,
    NoTagsError,
    RasaError,
    ServerFailedError,
    TagRefusedError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnknownModelError,
    UnreachableError,
    UploadBrokenOffError,
    WriteCredentialsRejectedError,
)
from rasa_environments.rasa.listing import LISTING, MODEL_SUFFIX, Model, is_name
from rasa_environments.rasa.model_files import ModelFiles
from rasa_environments.rasa.on_the_way import is_html, is_own
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.production import KnownEnvironments, known_environments, trouble
from rasa_environments.rasa.pulls import Pulls, TagAnswer
from rasa_environments.rasa.transport import Answer, HttpClient, Request
from rasa_environments.rasa.upload import Multipart

PAGE_SIZE = 500
UPLOAD_READ_TIMEOUT = 300.0
"""Seconds that a server may take to inspect an uploaded model after receiving it."""
MAXIMUM_MODELS = 10_000
"""Maximum number of models in a listing."""
MAXIMUM_PAGE = 2 * 1024 * 1024
"""Maximum bytes of a page, and so of the whole listing of a server without pages: 5000 models have about 1.5 MB."""
MAXIMUM_LISTING = 4 * 1024 * 1024
"""Maximum bytes of all pages together."""
MAXIMUM_TAGS_LISTED = 5000
"""Maximum number of tags on all models together: the listing is kept in memory."""
LISTING_SECONDS = 50.0
"""Seconds for all pages together."""

CAUSE_SECONDS = 10.0
"""Seconds to find out why a Rasa X failed."""


Send: TypeAlias = Callable[[Request], Awaitable[Answer]]
"""Sends a request with one kind of credentials."""


class UploadedModel(BaseModel):
    """The response `201` to an upload, which may name the model."""

    model: str | None = None


UPLOADED = TypeAdapter(UploadedModel)
VERSION = TypeAdapter(dict[str, object])
TOTAL = re.compile("[0-9]{1,9}")
VERSION_TEXT = re.compile("[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


class ModelServerClient:
    """A model server with a set of credentials; all methods raise RasaError (Unreachable, Unauthorized ...)."""

    def __init__(
        self,
        http: HttpClient,
        address: ModelServerAddress,
        credentials: Credentials,
        *,
        through_api_server: bool = False,
    ) -> None:
        self._address = address
        self._authenticator = Authenticator(http, address, credentials, through_api_server=through_api_server)
        self.pulls = Pulls(self._authenticator, address)
        """Pulls of tags, as Rasa servers make them."""
        self.files = ModelFiles(self._authenticator, address)
        """Downloads of models by name."""
        self.environments = EnvironmentRegistry(self._authenticator, address)
        """The registry of environments, accessed with the same login."""

    @property
    def models_url(self) -> str:
        """Where models are listed and uploaded."""
        return self._address.models_url

    async def models(self, *, as_writer: bool = False) -> tuple[Model, ...]:
        """Return all models of the project, in the server's order; a server without pages returns all at once.

        The request uses the credentials of Rasa servers, to detect a token that they could not pull with; or, if
        `as_writer`, those of whoever uploads. Raises NoListingError if the server has no such path; with a path of its
        own to pull from, also for any other unexpected response: a bucket answers 403 for missing files, a web site
        with a page.
        """
        try:
            async with asyncio.timeout(LISTING_SECONDS):
                return await self._all_pages(self._authenticator.write if as_writer else self._authenticator.pull)
        except (UnexpectedAnswerError, UnauthorizedError) as error:
            if self._address.model_path is None or isinstance(error, NoListingError | ServerFailedError):
                raise
            raise _without_listing(error) from None
        except TimeoutError:
            problem = f"has not listed its models within {LISTING_SECONDS:g} s"
            raise ListingTimeoutError(Peer.MODEL_SERVER, self._address.models_url, problem) from None

    async def _all_pages(self, send: Send) -> tuple[Model, ...]:
        found: dict[str, Model] = {}
        listed: set[str] = set()
        size = 0
        while True:
            answer = await self._page(send, len(listed))
            page = decoded(answer, LISTING, "a list of models")
            new = [entry for entry in page if entry.model not in listed]
            listed.update(entry.model for entry in new)
            found.update((model.name, model) for entry in new if (model := entry.model_listed()) is not None)
            size += len(answer.body)
            if len(listed) > MAXIMUM_MODELS:
                raise self._too_long(f"{MAXIMUM_MODELS} models")
            if size > MAXIMUM_LISTING:
                raise self._too_long(f"{MAXIMUM_LISTING // 1024**2} MiB")
            if sum(len(model.tags) for model in found.values()) > MAXIMUM_TAGS_LISTED:
                raise self._too_long(f"{MAXIMUM_TAGS_LISTED} tags")
            if not new or len(page) < PAGE_SIZE or len(listed) >= _total(answer):
                return tuple(found.values())

    def _too_long(self, limit: str) -> ListingTooLongError:
        problem = f"lists more than {limit}, which is all that is read"
        return ListingTooLongError(Peer.MODEL_SERVER, self._address.models_url, problem)

    async def _page(self, send: Send, offset: int) -> Answer:
        query = {"limit": str(PAGE_SIZE), "offset": str(offset)}
        request = Request("GET", self._address.models_url, query=query, maximum_body=MAXIMUM_PAGE)
        try:
            answer = await send(request)
        except AnswerTooLargeError:
            raise self._too_long(f"{MAXIMUM_PAGE // 1024**2} MiB on a page") from None
        if answer.status != 200:
            refused = refusal(answer, "the listing of models")
            raise _without_listing(refused) if answer.status in (404, 405, 501) else refused
        return answer

    async def version(self) -> str | None:
        """Return the version that the server reports, or None. Raises UnreachableError without a response."""
        answer = await self._authenticator.pull(Request("GET", self._address.version_url))
        if answer.status in (502, 503, 504):
            raise refusal(answer, "the question for its version")
        try:
            body = decoded(answer, VERSION, "its version")
        except UnexpectedAnswerError:
            return None
        named = (body.get(key) for key in ("rasa-x", "enterprise", "version"))
        return next((value for value in named if isinstance(value, str) and VERSION_TEXT.fullmatch(value)), None)

    async def check_write(self) -> None:
        """Check that the write credentials are accepted, by a read request with them. Raises RasaError if not."""
        answer = await self._authenticator.write(
            Request("GET", self._address.models_url, query={"limit": "1", "offset": "0"}, maximum_body=0)
        )
        if answer.status != 200:
            raise refusal(answer, "the credentials that write", WriteCredentialsRejectedError)
        refuse_web_page(answer, "taking the credentials that write")

    async def tag(self, tag: str) -> TagAnswer | None:
        """Return what a Rasa server that pulls `tag` receives; None if no model has the tag.

        Raises the same errors as `Pulls.tag`.
        """
        return await self.pulls.tag(tag)

    async def put_tag(self, model: str, tag: str) -> None:
        """Set the tag on the model, which removes it from any other.

        Raises UnknownModelError (404: unknown, incompatible, or Rasa X cannot reach production), TagRefusedError,
        NoWriteCredentialsError or UnauthorizedError.
        """
        answer = await self._authenticator.write(Request("PUT", self._address.model_tag_url(model, tag)))
        match answer.status:
            case 200 | 201 | 204:
                refuse_web_page(answer, f"putting tag {tag} on model {model}")
                return
            case 404 if not is_html(answer):
                said = reason_of(answer)
                problem = f"has no model {model} that can carry tag {tag}{f' ({said})' if said else ''}"
                raise error_for(answer, UnknownModelError, problem, detail=logged_words(answer))
            case 400 | 409 | 422:
                problem = f"refuses tag {tag} for model {model} ({status_and_reason(answer)})"
                raise error_for(answer, TagRefusedError, problem, detail=logged_words(answer))
        if self._address.model_path is not None and answer.status in (403, 404, 405, 501) and not is_own(answer):
            problem = f"takes no tags ({answer.status}), as a server of plain files does not"
            raise error_for(answer, NoTagsError, problem, detail=logged_words(answer))
        refused = refusal(answer, f"tag {tag} for model {model}", WriteCredentialsRejectedError)
        raise await self._with_cause(answer, refused)

    async def needs(self) -> EnvironmentNeededError | None:
        """Return which environment a Rasa X is missing to accept tags and models, as an error to explain others with.

        None if none is known.
        """
        return trouble(await self._known_environments(), self._address.environments_url)

    async def _known_environments(self) -> KnownEnvironments:
        try:
            async with asyncio.timeout(CAUSE_SECONDS):
                return await known_environments(self._authenticator, self._address, self.environments)
        except TimeoutError:
            return KnownEnvironments()

    async def _with_cause(self, answer: Answer, error: RasaError) -> RasaError:
        """Return the error, or one that says that Rasa X fails because an environment is missing or unavailable."""
        needed = await self.needs() if isinstance(error, ServerFailedError) else None
        if needed is None:
            return error
        problem = f"fails ({status_and_reason(answer)}): {needed.problem}"
        return error_for(answer, type(needed), problem, detail=error.detail)

    async def delete_tag(self, model: str, tag: str) -> None:
        """Remove the tag from the model; a 404 counts as success. Raises the same errors as `put_tag`."""
        answer = await self._authenticator.write(Request("DELETE", self._address.model_tag_url(model, tag)))
        if answer.status in (200, 204) or (answer.status == 404 and not is_html(answer)):
            refuse_web_page(answer, f"taking tag {tag} from model {model}")
            return
        if answer.status in (400, 409, 422):
            problem = f"refuses to take tag {tag} from model {model} ({status_and_reason(answer)})"
            raise error_for(answer, TagRefusedError, problem, detail=logged_words(answer))
        raise refusal(answer, f"the removal of tag {tag} from model {model}", WriteCredentialsRejectedError)

    async def upload(self, file: Path, sent: Callable[[int], None] = lambda _: None) -> str:
        """Upload a model file as a stream, and return the model's name.

        `sent` is called with the number of bytes of each chunk. Raises ModelNameConflictError (409), ModelRefusedError
        (400, 413, 415, 422), NoWriteCredentialsError, UnauthorizedError or UnreachableError, and OSError if the file
        cannot be read.
        """
        if not file.name.endswith(MODEL_SUFFIX):
            problem = f"takes files called *{MODEL_SUFFIX}, as `rasa train` writes them, and not {file}"
            raise NoModelFileError(Peer.MODEL_SERVER, self._address.models_url, problem)
        await self.check_write()
        body = Multipart("model", file)
        url = self._address.models_url
        request = Request(
            "POST",
            url,
            headers=body.headers(),
            content=body.pieces(sent),
            deadline=None,
            read_timeout=UPLOAD_READ_TIMEOUT,
        )
        try:
            answer = await self._authenticator.write(request)
        except UnreachableError as error:
            raise _broken_off(error, url, file) if body.begun else error from None
        match answer.status:
            case 200 | 201:
                return self._uploaded_name(answer, file)
            case 204:
                return file.name.removesuffix(MODEL_SUFFIX)
            case 409:
                problem = f"already has a model of the name of {file.name}: a name is never overwritten"
                raise error_for(answer, ModelNameConflictError, problem, detail=logged_words(answer))
            case 413 if is_own(answer):
                problem = f"refuses {file.name} ({status_and_reason(answer)}): it takes no file of this size"
                raise error_for(answer, ModelTooLargeError, problem, detail=logged_words(answer))
            case 400 | 415 | 422:
                raise await self._refused_model(answer, file)
            case 404 if reason_of(answer):  # Rasa X before 0.32 answers so for an invalid file and a name conflict.
                raise await self._refused_model(answer, file)
        refused = refusal(answer, f"the upload of {file.name}", WriteCredentialsRejectedError)
        raise await self._with_cause(answer, refused)

    async def _refused_model(self, answer: Answer, file: Path) -> ModelRefusedError:
        known = await self._known_environments()
        # Without any environment, it would not have inspected the file.
        needed = trouble(known, self._address.environments_url) if known.names else None
        problem = f"refuses {file.name} ({status_and_reason(answer)}){f'; {needed.problem}' if needed else ''}"
        return error_for(answer, ModelRefusedError, problem, detail=logged_words(answer), cause=needed)

    @staticmethod
    def _uploaded_name(answer: Answer, file: Path) -> str:
        """Return the name that the server gave to the model, or else the file's.

        Raises UnexpectedAnswerError.
        """
        refuse_web_page(answer, "taking the upload")
        name = file.name
        if answer.body.lstrip()[:1] == b"{":
            told = decoded(answer, UPLOADED, "the uploaded model").model
            name = told if told and is_name(told) else name
        return name.removesuffix(MODEL_SUFFIX)


def _without_listing(cause: RasaError) -> NoListingError:
    """Return the error that the server does not list its models, as the response shows."""
    return NoListingError(cause.peer, cause.url, cause.problem, status=cause.status, detail=cause.detail, cause=cause)


def _broken_off(error: UnreachableError, url: str, file: Path) -> UploadBrokenOffError:
    """Return the error for an upload that failed midway.

    Proxies often close the connection if a request is too large.
    """
    limits = "a proxy before it may take no request of this size or duration"
    problem = f"was reached, and the upload of {file.name} broke off: {limits}"
    return UploadBrokenOffError(Peer.MODEL_SERVER, url, problem, detail=error.detail)


def _total(answer: Answer) -> float:
    """Return the total number of models if the server reports it, else infinity."""
    told = answer.headers.get("x-total-count", "")
    return int(told) if TOTAL.fullmatch(told) else math.inf
