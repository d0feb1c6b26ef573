"""One HTTP exchange: sent with a deadline, read with a limit, and every failure of the way told apart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from pydantic import JsonValue

from rasa_environments.api.conditions import Reason
from rasa_environments.rasa.errors import AddressRefused, InvalidAddress, UnexpectedAnswer, Unreachable
from rasa_environments.rasa.failures import cause
from rasa_environments.rasa.network import GuardedTransport, RefusedHost, guarded_proxies
from rasa_environments.rasa.redaction import one_line, shown

MAXIMUM_BODY = 8 * 1024 * 1024
"""Bytes of an answer that are read; a listing of 500 models has some 100 KB."""
MAXIMUM_REDIRECTS = 5
DEADLINE = 30.0
"""Seconds for a whole exchange, however slowly the other side drips."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Peer:
    """Who is asked, in the words of a message."""

    name: str
    unreachable: Reason
    advice: str


MODEL_SERVER = Peer("model server", Reason.MODEL_SERVER_UNREACHABLE, "check `url` of the ModelServer")
RASA_SERVER = Peer("Rasa server", Reason.PODS_NOT_REACHABLE, "see the pod's log")
EXTERNAL_RASA_SERVER = Peer(
    "Rasa server", Reason.EXTERNAL_SERVER_UNREACHABLE, "check `external.url` of the DeploymentEnvironment"
)


@dataclass(frozen=True)
class Request:
    """What is asked. `url` holds no secret; `query` and `headers` may, and are never shown."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: JsonValue = field(default=None, repr=False)
    content: AsyncIterable[bytes] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    read_body: bool = True
    deadline: float | None = DEADLINE
    """Seconds for the whole exchange."""
    read_timeout: float | None = None
    """Seconds to wait for each piece of the answer; None: as the client has it."""


@dataclass(frozen=True)
class Answer:
    """What was answered, with the request that it answers."""

    request: Request
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def where(self) -> str:
        """The address that answered, as it may be shown."""
        return shown(self.request.url)


def http_client(
    timeout: float = 10.0, connections: int | None = None, *, allow_link_local: bool = False
) -> httpx.AsyncClient:
    """The connection pool that all model servers and Rasa servers share; `timeout`: seconds per step of an exchange.

    Unless `allow_link_local` it never connects to a link-local address, nor to another at which a cloud hands out
    credentials; each request of `ask` is refused then.
    It keeps no cookies (a session of one server is nothing to another), and its libraries stop logging addresses:
    httpx at INFO and httpcore at DEBUG would write the query, which holds tokens. A private authority is trusted by
    SSL_CERT_FILE. Idle connections go after 3 s, before uvicorn closes them after 5 s: none breaks in our hands.
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=20, keepalive_expiry=3.0)
    client = partial(
        httpx.AsyncClient,
        timeout=timeout,
        limits=limits,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        headers={"User-Agent": "rasa-environments", "Accept": "application/json, */*"},
    )
    if allow_link_local:
        return client()
    return client(transport=GuardedTransport(limits), mounts=guarded_proxies(limits))


async def ask(http: httpx.AsyncClient, peer: Peer, request: Request) -> Answer:
    """The answer, whatever its status. Redirects of a read are followed within the same origin only.

    Raises InvalidAddress, AddressRefused, Unreachable, or UnexpectedAnswer (a redirect elsewhere, an answer too large
    or garbled).
    """
    if not _is_address(request.url):
        raise InvalidAddress(f"{shown(request.url)} is not an http(s) URL with a host; {peer.advice}")
    try:
        async with asyncio.timeout(request.deadline):
            return await _follow(http, peer, request)
    except RefusedHost as refused:
        raise AddressRefused(
            f"the {peer.name} at {shown(request.url)} is not asked: {refused}; {peer.advice}, or permit such addresses "
            "with the option --allow-link-local of `rasa-environments run`"
        ) from None
    except TimeoutError:
        raise _unreachable(peer, request, f"it did not answer within {request.deadline:g} s") from None
    except httpx.InvalidURL:
        raise UnexpectedAnswer(f"the {peer.name} at {shown(request.url)} redirects to no URL; {peer.advice}") from None
    except httpx.DecodingError as error:
        raise UnexpectedAnswer(
            f"the {peer.name} at {shown(request.url)} sends a garbled answer ({error}); {peer.advice}"
        ) from None
    except httpx.TransportError as error:
        raise _unreachable(peer, request, cause(error, httpx.URL(request.url).host)) from None


async def _follow(http: httpx.AsyncClient, peer: Peer, request: Request) -> Answer:
    """The first answer that is no redirect."""
    for _ in range(MAXIMUM_REDIRECTS):
        answer = await _exchange(http, peer, request)
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or location is None:
            return answer
        target = httpx.URL(request.url).join(location)
        if request.method not in ("GET", "HEAD") or _origin(target) != _origin(httpx.URL(request.url)):
            raise UnexpectedAnswer(
                f"the {peer.name} at {answer.where} redirects to {shown(str(target))}, where its credentials may "
                "not go: if that is where it lives, make it the address"
            )
        request = replace(request, url=str(target.copy_with(query=None)), query=dict(target.params.multi_items()))
    raise UnexpectedAnswer(f"the {peer.name} at {shown(request.url)} redirects in a circle; {peer.advice}")


def _is_address(url: str) -> bool:
    """Whether the URL is one that HTTP can be spoken to; httpx itself also takes blanks and ports above 65535."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    port_is_one = parsed.port is None or 0 < parsed.port < 65536
    return parsed.scheme in ("http", "https") and bool(parsed.host) and " " not in url and port_is_one


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _exchange(http: httpx.AsyncClient, peer: Peer, request: Request) -> Answer:
    """One request and its answer, read up to the limit."""
    message = http.build_request(
        request.method,
        httpx.URL(request.url).copy_merge_params(dict(request.query)),
        headers=dict(request.headers),
        json=request.json,
        content=request.content,
        timeout=_timeout(http, request),
    )
    response = await http.send(message, stream=True, follow_redirects=False)
    try:
        body = bytearray()
        if request.read_body:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAXIMUM_BODY:
                    raise UnexpectedAnswer(
                        f"the {peer.name} at {shown(request.url)} answers with more than "
                        f"{MAXIMUM_BODY // 1024**2} MiB; {peer.advice}"
                    )
    finally:
        await response.aclose()
    return Answer(request, response.status_code, response.headers, bytes(body))


def _timeout(http: httpx.AsyncClient, request: Request) -> httpx.Timeout:
    """The client's timeout, with the request's own patience for the answer."""
    usual = http.timeout
    read = usual.read if request.read_timeout is None else request.read_timeout
    return httpx.Timeout(connect=usual.connect, read=read, write=usual.write, pool=usual.pool)


def _unreachable(peer: Peer, request: Request, why: str) -> Unreachable:
    message = (
        f"the {peer.name} at {shown(request.url)} cannot be reached: {one_line(why, request.secrets)}; {peer.advice}"
    )
    return Unreachable(message, peer.unreachable)
