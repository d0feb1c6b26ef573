"""Requests to the Rasa servers of environments. Their tokens go into queries, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from rasa_model_server.environments.addresses import GuardedTransport, RefusedAddressError
from rasa_model_server.storage import EnvironmentRecord

Reply = TypeVar("Reply")

LOOK_SECONDS = 3.0
"""For a look at a server's version."""
CONVERSATION_SECONDS = 60.0
"""For one step of a conversation: custom actions may take their time."""


class RasaServerError(Exception):
    """The server of an environment does not answer as it should. The message says how, without its token."""


class RasaVersion(BaseModel):
    """`GET /version` of a Rasa server (rasa/server.py)."""

    version: str
    minimum_compatible_version: str | None = None


_VERSION = TypeAdapter(RasaVersion)


class RasaServers:
    """A client of all registered servers."""

    def __init__(self) -> None:
        # Without proxies: these servers stand beside this one, and a proxy would look up names in its own way.
        self._client = httpx.AsyncClient(transport=GuardedTransport(httpx.AsyncHTTPTransport()), trust_env=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def version(self, server: EnvironmentRecord) -> RasaVersion:
        """Return the version of the server. Raises RasaServerError."""
        return await self.ask(server, "GET", "/version", _VERSION, seconds=LOOK_SECONDS)

    async def ask(
        self,
        server: EnvironmentRecord,
        method: Literal["GET", "POST"],
        path: str,
        reply: TypeAdapter[Reply],
        *,
        body: object = None,
        seconds: float = CONVERSATION_SECONDS,
    ) -> Reply:
        """Return what the server answers with its token.

        Raises:
            RasaServerError: it cannot be reached, refuses the token, or answers something else.
        """
        request = self._client.build_request(
            method,
            server.url.rstrip("/") + path,
            params={"token": server.token} if server.token else None,
            json=body,
            timeout=seconds,
        )
        try:
            async with asyncio.timeout(seconds):
                answer = await self._client.send(request)
        except (TimeoutError, httpx.TimeoutException):
            raise RasaServerError(f"it did not answer within {seconds:g} seconds") from None
        except RefusedAddressError as error:
            raise RasaServerError(str(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise RasaServerError(f"it cannot be reached ({_reason(error)})") from None
        return _decoded(answer, reply)


def _decoded(answer: httpx.Response, reply: TypeAdapter[Reply]) -> Reply:
    match answer.status_code:
        case 401 | 403:
            raise RasaServerError("it refuses the token that is registered for it: register its --auth-token")
        case 404:
            raise RasaServerError("it answers 404: start it with --enable-api, and register its base address")
        case 409:
            raise RasaServerError("it has no model loaded: tag a model for it")
        case status if status >= 300:
            raise RasaServerError(f"it answers {status}: its log says why, which may be that it has no model")
    try:
        return reply.validate_json(answer.content)
    except ValidationError:
        raise RasaServerError("it does not answer as a Rasa server does") from None


def _reason(error: Exception) -> str:
    return type(error).__name__ if not isinstance(error, httpx.ConnectError) else "no connection"
