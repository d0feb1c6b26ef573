"""Requests to the Rasa servers of environments. Their tokens go into queries, and nowhere else."""

from __future__ import annotations

import logging
from typing import Annotated, TypeVar

from pydantic import BaseModel, JsonValue, StringConstraints, TypeAdapter, ValidationError

from outbound_http import exchange, failures
from outbound_http.addresses import AddressPolicy
from outbound_http.json_size import has_too_many_values
from rasa_model_server.storage import EnvironmentRecord

Reply = TypeVar("Reply")

logger = logging.getLogger(__name__)

LOOK_SECONDS = 3.0
"""For a look at a server's version."""
CONVERSATION_SECONDS = 60.0
"""For one step of a conversation: custom actions may take their time."""
MAXIMUM_VERSION = 64 * 1024
"""Bytes of an answer to /version."""
MAXIMUM_STEP = 4 * 1024 * 1024
"""Bytes of an answer to a step of a conversation, which holds the conversation so far."""
CONNECTIONS = 64
"""To all servers together."""


class RasaServerError(Exception):
    """The server of an environment does not answer as expected. The message says how, without its token."""


Version = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]


class RasaVersion(BaseModel):
    """`GET /version` of a Rasa server (rasa/server.py)."""

    version: Version
    minimum_compatible_version: Version | None = None


_VERSION = TypeAdapter(RasaVersion)


class RasaServers:
    """A client of all registered servers."""

    def __init__(self, policy: AddressPolicy | None = None) -> None:
        # Without proxies: these servers stand beside this one, and a proxy would look up names in its own way.
        self._client = exchange.http_client(
            policy or AddressPolicy(),
            "rasa-model-server",
            timeout=CONVERSATION_SECONDS,
            connections=CONNECTIONS,
            proxies=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def version(self, server: EnvironmentRecord) -> RasaVersion:
        """Return the version of the server, which Rasa tells without a token.

        Raises RasaServerError if the server does not say.
        """
        url = server.url.rstrip("/") + "/version"
        request = exchange.Request("GET", url, maximum_body=MAXIMUM_VERSION, deadline=LOOK_SECONDS)
        return _decoded(await self._answer(server, request), _VERSION)

    async def ask(self, server: EnvironmentRecord, path: str, reply: TypeAdapter[Reply], body: JsonValue) -> Reply:
        """Return what the server answers to the body, with its token, at a path of its HTTP API.

        Raises RasaServerError if it cannot be reached, refuses the token, or answers something else.
        """
        return _decoded(await self._answer(server, _step(server, path, body, MAXIMUM_STEP)), reply)

    async def tell(self, server: EnvironmentRecord, path: str, body: JsonValue) -> None:
        """Send the body, as `ask` does, and require only that the server does not refuse it."""
        _refuse(await self._answer(server, _step(server, path, body, 0)))

    async def _answer(self, server: EnvironmentRecord, request: exchange.Request) -> exchange.Response:
        try:
            return await exchange.exchange(self._client, request)
        except failures.ExchangeError as error:
            if isinstance(error, failures.UnreachableError):  # Only who reads the log may tell one port from another.
                logger.info("the server of the environment %s: %s", server.name, error)
            raise RasaServerError(_explained(error)) from None


def _step(server: EnvironmentRecord, path: str, body: JsonValue, maximum: int) -> exchange.Request:
    return exchange.Request(
        "POST",
        server.url.rstrip("/") + path,
        query={"token": server.token} if server.token else {},
        json=body,
        maximum_body=maximum,
        deadline=CONVERSATION_SECONDS,
    )


def _explained(error: failures.ExchangeError) -> str:
    """Return what went wrong, in words for callers, who may have named the server themselves."""
    match error:
        case failures.AddressRefusedError():
            return f"no request is sent to it: {error}"
        case failures.UnreachableError(unknown_host=True):
            return "it cannot be reached: its host name is not known"
        case failures.RedirectedError():
            return f"it redirects to {error.target}: register the address where it lives"
        case failures.CompressedError():
            return "it compresses its answer, which was not asked for and is not read"
        case failures.TooLargeError():
            return "it answers with more than is read of a Rasa server"
    return "it cannot be reached"


def _decoded(answer: exchange.Response, reply: TypeAdapter[Reply]) -> Reply:
    _refuse(answer)
    try:
        if not has_too_many_values(answer.body):
            return reply.validate_json(answer.body)
    except ValidationError:
        pass
    raise RasaServerError("it does not answer as a Rasa server does")


def _refuse(answer: exchange.Response) -> None:
    match answer.status:
        case 401 | 403:
            raise RasaServerError("it refuses the token that is registered for it: register its --auth-token")
        case 404:
            raise RasaServerError("it answers 404: start it with --enable-api, and register its base address")
        case 409:
            raise RasaServerError("it has no model loaded: tag a model for it")
        case status if status >= 300:
            raise RasaServerError(f"it answers {status}: its log says why, which may be that it has no model")
