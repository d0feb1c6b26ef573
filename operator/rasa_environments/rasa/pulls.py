"""Pulls of a tag, as Rasa servers make them: a model's hash and name and, if that is not enough, its file."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import error_for, logged_words, refusal, refuse_web_page
from rasa_environments.rasa.authentication import Authenticator
from rasa_environments.rasa.errors import (
    AnswerTooLargeError,
    CompressedAnswerError,
    EncodedModelError,
    FileNotReadableError,
    FileReplacedError,
    ModelFileTooLargeError,
    NoModelHashError,
    NothingNewError,
    RasaError,
    UnreadableModelError,
)
from rasa_environments.rasa.listing import HASH, MODEL_SUFFIX, is_name
from rasa_environments.rasa.model_archive import MAXIMUM_ARCHIVE, BadArchiveError, ModelArchive, ModelIdentity
from rasa_environments.rasa.on_the_way import is_own
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import Answer, Request

ARCHIVE_SECONDS = 60.0
"""Seconds for the download of a model file."""
BATCH = 256 * 1024
"""Bytes of a model file that are unpacked at a time."""


@dataclass(frozen=True)
class TagAnswer:
    """What a Rasa server that pulls a tag receives: the model's hash (its ETag) and file name."""

    hash: str
    filename: str | None = None

    @property
    def model(self) -> str:
        """The model's name: that of the file without .tar.gz, or the hash if the server sends no file name."""
        return self.filename.removesuffix(MODEL_SUFFIX) if self.filename else self.hash


class Pulls:
    """Pulls from one model server, with the credentials of Rasa servers; all methods raise RasaError."""

    def __init__(self, authenticator: Authenticator, address: ModelServerAddress) -> None:
        self._authenticator = authenticator
        self._address = address

    async def tag(self, tag: str) -> TagAnswer | None:
        """Return what a Rasa server that pulls `tag` receives; None if no model has the tag (404).

        Raises UnexpectedAnswerError for a response that Rasa could not use, and UnauthorizedError if it is rejected.
        """
        answer = await self._pulled("HEAD", tag)
        if answer.status in (405, 501) or not (self._address.model_path is None or hash_in(answer)):
            answer = await self._pulled("GET", tag)  # Like Rasa: a file server or bucket may answer HEAD differently.
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise self._not_pulled(answer, tag)
        refuse_web_page(answer, f"the model of tag {tag}")
        etag = hash_in(answer)
        if etag is None:
            what = "an ETag that is no hash of a model" if "etag" in answer.headers else "no ETag"
            problem = f"answers the pull of tag {tag} with {what}: Rasa drops such a model"
            raise error_for(answer, NoModelHashError, problem)
        filename = answer.headers.get("filename", "")
        return TagAnswer(etag, filename if is_name(filename) else None)

    def _not_pulled(self, answer: Answer, tag: str) -> RasaError:
        """Return why the response to a pull contains no model."""
        doing = f"the pull of tag {tag}"
        if answer.status in (204, 304):
            return error_for(
                answer,
                NothingNewError,
                f"answers {answer.status} (nothing new) to {doing} by one who has pulled nothing: a Rasa server that "
                "starts gets no model",
            )
        if answer.status == 403 and self._address.model_path is not None and not is_own(answer):
            return error_for(
                answer,
                FileNotReadableError,
                f"answers 403 to {doing}: the file may not be read, or, as buckets answer then, it is not there",
                detail=logged_words(answer),
            )
        return refusal(answer, doing)

    async def identity(self, tag: str, wanted: str) -> ModelIdentity:
        """Identify the file that `tag` serves with the hash `wanted`, by downloading it without keeping it.

        Raises UnreadableModelError if the file does not identify its model, and the same errors as `tag` if there is
        none.
        """
        archive = _Arriving()
        request = Request(
            "GET",
            self._address.tag_url(tag),
            headers={"If-None-Match": uuid.uuid4().hex},
            maximum_body=MAXIMUM_ARCHIVE,
            deadline=ARCHIVE_SECONDS,
            sink=archive.take,
        )
        doing = f"the model of tag {tag}"
        try:
            answer = await self._authenticator.pull(request)
            if answer.status != 200:
                raise self._not_pulled(answer, tag)
            refuse_web_page(answer, doing)
            if hash_in(answer) != wanted:
                raise error_for(answer, FileReplacedError, f"answers tag {tag} with another file by now")
            return await archive.end()
        except BadArchiveError as error:
            raise self._unreadable(UnreadableModelError, tag, f"is no model that Rasa could load: {error}") from None
        except AnswerTooLargeError:
            limit = f"{MAXIMUM_ARCHIVE // 1024**2} MiB"
            raise self._unreadable(ModelFileTooLargeError, tag, f"is larger than the {limit} that are read") from None
        except CompressedAnswerError:
            problem = "has a Content-Encoding: Rasa takes that off, and cannot open what is left"
            raise self._unreadable(EncodedModelError, tag, problem) from None

    def _unreadable(self, kind: type[UnreadableModelError], tag: str, problem: str) -> UnreadableModelError:
        return kind(Peer.MODEL_SERVER, self._address.tag_url(tag), f"sends a file that {problem}")

    async def _pulled(self, method: str, tag: str) -> Answer:
        """Pull without reading the body.

        Rasa's first pull sends `If-None-Match` with a random hex value (rasa 3.6, agent.py).
        """
        headers = {"If-None-Match": uuid.uuid4().hex}
        return await self._authenticator.pull(
            Request(method, self._address.tag_url(tag), headers=headers, maximum_body=0)
        )


class _Arriving:
    """A model file during its download, unpacked in a thread, a batch at a time."""

    def __init__(self) -> None:
        self._archive = ModelArchive()
        self._batch = bytearray()

    async def take(self, piece: bytes) -> bool:
        """Process the next bytes; return whether more are needed. Raises BadArchiveError."""
        self._batch += piece
        if len(self._batch) < BATCH:
            return True
        return await self._unpack()

    async def end(self) -> ModelIdentity:
        """Return the identity in the file. Raises BadArchiveError."""
        await self._unpack()
        return self._archive.finish()

    async def _unpack(self) -> bool:
        batch, self._batch = bytes(self._batch), bytearray()
        return await asyncio.to_thread(self._archive.feed, batch)


def hash_in(answer: Answer) -> str | None:
    """Return the model's hash from the ETag, or None."""
    etag = answer.headers.get("etag", "").removeprefix("W/").strip('"')
    return etag if answer.status == 200 and HASH.fullmatch(etag) else None
