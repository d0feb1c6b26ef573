"""Downloads of models by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import error_for, refusal, refuse_web_page
from rasa_environments.rasa.authentication import Authenticator
from rasa_environments.rasa.errors import (
    AnswerTooLargeError,
    ModelFileTooLargeError,
    NoModelHashError,
    RedirectedError,
    UnknownModelError,
)
from rasa_environments.rasa.on_the_way import is_html
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.pulls import hash_in
from rasa_environments.rasa.transport import Request

MAXIMUM_MODEL: Final = 64 * 1024**3
"""Maximum bytes of a model file: more than the model server of this project can store."""
DOWNLOAD_READ_TIMEOUT: Final = 60.0
"""Seconds to wait for each chunk: a server may read the first from a bucket."""


class ModelFiles:
    """The model files of one server; all methods raise RasaError."""

    def __init__(self, authenticator: Authenticator, address: ModelServerAddress) -> None:
        self._authenticator = authenticator
        self._address = address

    async def download(self, model: str, write: Callable[[bytes], object], *, as_writer: bool = False) -> str:
        """Pass the file of a model to `write`, a chunk at a time, and return the hash that the server reports for it.

        The request uses the credentials of Rasa servers, or, if `as_writer`, those of whoever uploads. Raises
        UnknownModelError if there is no such model (any more), RedirectedError if the server sends the caller
        elsewhere, and what `write` raises.
        """

        async def sink(chunk: bytes) -> bool:
            write(chunk)
            return True

        request = Request(
            "GET",
            self._address.model_url(model),
            maximum_body=MAXIMUM_MODEL,
            deadline=None,
            read_timeout=DOWNLOAD_READ_TIMEOUT,
            sink=sink,
        )
        send = self._authenticator.write if as_writer else self._authenticator.pull
        try:
            answer = await send(request)
        except AnswerTooLargeError:
            problem = f"sends model {model} in more than {MAXIMUM_MODEL // 1024**3} GiB or in tiny pieces"
            raise ModelFileTooLargeError(Peer.MODEL_SERVER, request.url, problem) from None
        except RedirectedError as error:
            problem = f"keeps model {model} elsewhere ({error.problem}); copy that place with its own tools"
            raise RedirectedError(error.peer, error.url, problem) from None
        if answer.status == 404 and not is_html(answer):
            raise error_for(answer, UnknownModelError, f"has no model {model}")
        doing = f"the download of model {model}"
        if answer.status != 200:
            raise refusal(answer, doing)
        refuse_web_page(answer, doing)
        found = hash_in(answer)
        if found is None:
            raise error_for(answer, NoModelHashError, f"answers {doing} without an ETag")
        return found
