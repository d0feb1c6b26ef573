"""HTTP exchanges with model servers and Rasa servers, whose failures become errors for people to read."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from outbound_http import exchange, failures
from outbound_http.addresses import AddressPolicy, Kind
from outbound_http.login_pages import leads_to_login
from rasa_environments.rasa.errors import (
    AddressRefusedError,
    AnswerTooLargeError,
    CompressedAnswerError,
    InvalidAddressError,
    LoginPageError,
    LoopbackRefusedError,
    RasaError,
    RedirectedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.redaction import one_line, shown

logger = logging.getLogger(__name__)

HttpClient: TypeAlias = httpx.AsyncClient
"""A pool of connections with limits."""

SMALL_BODY = 64 * 1024
"""Maximum bytes of a response with a single item: a version, a login, a status, an uploaded model."""


@dataclass(frozen=True)
class Request(exchange.Request):
    """A request, and the secrets in it, which no message may repeat."""

    maximum_body: int = SMALL_BODY
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Answer:
    """A response, with who sent it and the request that it answers."""

    peer: Peer
    request: Request
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    from_login: bool = False
    """Whether the response comes from what looks like a login page, after a redirect."""

    @property
    def where(self) -> str:
        """The requested URL, redacted."""
        return shown(self.request.url)


def http_client(
    timeout: float = 10.0,
    connections: int | None = None,
    policy: AddressPolicy | None = None,
    authorities: ssl.SSLContext | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> HttpClient:
    """Return the client that all model servers and Rasa servers share; `timeout`: seconds per step of an exchange.

    A model server with `authorities` of its own gets a separate client, and so does one that is reached through a proxy
    that takes `headers`. The default policy allows loopback and rejects link-local addresses, which suits a command on
    a laptop.
    """
    http = exchange.http_client(
        policy or AddressPolicy(),
        "rasa-environments",
        timeout=timeout,
        connections=connections,
        authorities=authorities,
    )
    http.headers = httpx.Headers([*http.headers.multi_items(), *headers])
    return http


def fence(http: HttpClient, may_write: Callable[[], bool]) -> None:
    """Let the client write only while `may_write` returns True, which is checked right before a request is sent.

    A process that was stopped for a while (SIGSTOP, a frozen machine) continues where it was, before it learns that
    another one leads.
    """

    async def refuse_unless_leading(event: str, _: object) -> None:
        if event.endswith("send_request_headers.started") and not may_write():
            raise httpx.ConnectError("this process does not hold the Lease")

    async def watch(request: httpx.Request) -> None:
        if request.method not in exchange.SAFE_METHODS:
            request.extensions = {**request.extensions, "trace": refuse_unless_leading}

    http.event_hooks = {"request": [watch]}


async def ask(http: HttpClient, peer: Peer, request: Request) -> Answer:
    """Send the request and return the response, whatever its status.

    Redirects of GET and HEAD are followed within the same origin only. What distinguishes ports is in the error's
    `detail` and in the log, never in its message. Raises InvalidAddressError, AddressRefusedError, UnreachableError, or
    UnexpectedAnswerError (a foreign redirect; a response that is too large or compressed).
    """
    try:
        response = await exchange.exchange(http, request)
    except failures.ExchangeError as error:
        raise _explained(error, peer, request) from None
    redirected = response.url != request.url
    from_login = redirected and leads_to_login(httpx.URL(response.url))
    return Answer(peer, request, response.status, response.headers, response.body, from_login)


def _explained(error: failures.ExchangeError, peer: Peer, request: Request) -> RasaError:
    """Return the error that may be published; log the rest."""
    url = request.url
    match error:
        case failures.InvalidUrlError():
            return InvalidAddressError(peer, url, "cannot be asked: its address is no http(s) URL with a host")
        case failures.AddressRefusedError():
            kind = LoopbackRefusedError if error.kind is Kind.LOOPBACK else AddressRefusedError
            return kind(peer, url, f"is not asked: {error}")
        case failures.UnreachableError():
            why = one_line(str(error), request.secrets)
            logger.info("%s %s: %s", request.method, shown(url), why)
            known = "its host name is not known" if error.unknown_host else "it gives no HTTP answer"
            return UnreachableError(peer, url, f"cannot be reached: {known}", detail=why)
        case failures.TooLargeError():
            size = f"{request.maximum_body // 1024} KiB"
            return AnswerTooLargeError(peer, url, f"answers with more than the {size} that are read of it")
        case failures.CompressedError():
            problem = "compresses its answer, which was not asked for and is not read"
            return CompressedAnswerError(peer, url, problem)
    return _led_astray(error, peer, request)


def _led_astray(error: failures.ExchangeError, peer: Peer, request: Request) -> UnexpectedAnswerError:
    """Return the error for a redirect that must not be followed."""
    if not isinstance(error, failures.RedirectedError):
        return UnexpectedAnswerError(peer, request.url, "redirects in a circle")
    leads = f"redirects to {one_line(error.target, request.secrets)}, where its credentials may not go"
    if error.to_login:
        return LoginPageError(peer, request.url, f"{leads}: it looks like the login page of a proxy before it")
    return RedirectedError(peer, request.url, leads)
