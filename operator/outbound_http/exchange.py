"""HTTP exchanges with allowed addresses only, with a deadline, and with bodies read undecoded up to a limit."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from pydantic import JsonValue

from outbound_http import failures
from outbound_http.addresses import AddressPolicy
from outbound_http.login_pages import leads_to_login
from outbound_http.network import (
    GuardedTransport,
    RefusedHostError,
    TooManyBytesError,
    guarded_proxies,
    reading_at_most,
)

DEADLINE = 30.0
"""Seconds for a whole exchange, including redirects, even if the server sends slowly."""
MAXIMUM_REDIRECTS = 5
MAXIMUM_ERROR_BODY = 64 * 1024
"""Bytes of the body of an error response or web page. A longer or compressed body is treated as empty, since the status
and headers say enough."""
MAXIMUM_HEAD = 128 * 1024
"""Bytes besides the body: headers (h11 allows 100 KiB), informational responses, trailers."""
MAXIMUM_PIECES = 4096
"""Chunks of a body: each takes time to process, however small."""
SMALLEST_PIECE = 512
"""Minimum average size in bytes of the chunks of a body that is streamed to a sink."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that change nothing, for which redirects are followed."""


@dataclass(frozen=True)
class Request:
    """A request. `url` holds no secret; `query` and `headers` may, and are never logged or displayed."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: JsonValue = field(default=None, repr=False)
    content: AsyncIterable[bytes] | None = field(default=None, repr=False)
    maximum_body: int = MAXIMUM_ERROR_BODY
    """Bytes of the body of a successful response; 0 reads none of it."""
    deadline: float | None = DEADLINE
    """Seconds for the whole exchange."""
    read_timeout: float | None = None
    """Seconds to wait for each chunk of the response; None uses the client's timeout."""
    sink: Callable[[bytes], Awaitable[bool]] | None = field(default=None, repr=False, compare=False)
    """Receives the body of a successful response chunk by chunk, instead of keeping it; returning False stops
    reading."""


@dataclass(frozen=True)
class Response:
    """A response, with the URL of the request it answers: the last one if there were redirects."""

    url: str
    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


def http_client(
    policy: AddressPolicy,
    user_agent: str,
    *,
    timeout: float,
    connections: int | None = None,
    proxies: bool = True,
    authorities: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """Return a client that connects only where the policy allows; `timeout` limits each step, in seconds.

    It requests no compression and keeps no cookies, so that sessions of different servers cannot mix. httpx at INFO and
    httpcore at DEBUG would log URLs with tokens in their query, so both are limited to WARNING. To trust a private
    authority, set SSL_CERT_FILE, or pass `authorities`, which replaces all others. Idle connections are closed after 3
    s, before uvicorn closes them after 5 s, so no request is sent on a closing connection. `proxies` enables the
    proxies of the environment (HTTPS_PROXY, NO_PROXY ...).
    """
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=20, keepalive_expiry=3.0)
    return httpx.AsyncClient(
        transport=GuardedTransport(policy, limits, authorities=authorities),
        mounts=guarded_proxies(policy, limits, authorities) if proxies else None,
        trust_env=False,
        timeout=timeout,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        headers={"User-Agent": user_agent, "Accept": "application/json, */*", "Accept-Encoding": "identity"},
    )


async def exchange(http: httpx.AsyncClient, request: Request) -> Response:
    """Send the request and return the response, whatever its status.

    Redirects of GET and HEAD are followed within the same origin only. Raises ExchangeError: InvalidUrlError,
    AddressRefusedError, UnreachableError, RedirectedError, TooManyRedirectsError, TooLargeError or CompressedError.
    """
    if not is_url(request.url):
        raise failures.InvalidUrlError
    try:
        async with asyncio.timeout(request.deadline):
            return await _follow(http, request)
    except RefusedHostError as refused:
        raise failures.AddressRefusedError(str(refused), refused.kind) from None
    except TooManyBytesError:
        raise failures.TooLargeError from None
    except TimeoutError:
        patience = "in time" if request.deadline is None else f"within {request.deadline:g} s"
        raise failures.UnreachableError(f"it did not answer {patience}") from None
    except httpx.TransportError as error:
        raise failures.unreachable(error, httpx.URL(request.url).host) from None


def is_url(url: str) -> bool:
    """Return whether this is a usable HTTP URL; httpx alone would also accept spaces and ports above 65535."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    port_is_one = parsed.port is None or 0 < parsed.port < 65536
    return parsed.scheme in ("http", "https") and bool(parsed.host) and " " not in url and port_is_one


async def _follow(http: httpx.AsyncClient, request: Request) -> Response:
    """Follow redirects and return the first other response."""
    for _ in range(MAXIMUM_REDIRECTS):
        response = await _send(http, request)
        location = response.headers.get("location")
        if response.status not in REDIRECTS or location is None:
            return response
        target = httpx.URL(request.url).join(location)
        asked = httpx.URL(request.url)
        if request.method not in SAFE_METHODS or _origin(target) != _origin(asked):
            raise failures.RedirectedError(
                _shown(target), to_login=target.path != asked.path and leads_to_login(target)
            )
        request = replace(request, url=str(target.copy_with(query=None)), query=dict(target.params.multi_items()))
    raise failures.TooManyRedirectsError


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _shown(url: httpx.URL) -> str:
    """Return scheme, host and port only: user information, path and query may hold a token."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace').rpartition('@')[2]}"


async def _send(http: httpx.AsyncClient, request: Request) -> Response:
    """Send one request and return its response, read up to the limit."""
    message = http.build_request(
        request.method,
        httpx.URL(request.url).copy_merge_params(dict(request.query)),
        headers=dict(request.headers),
        json=request.json,
        content=request.content,
        timeout=_timeout(http, request),
    )
    with reading_at_most(MAXIMUM_HEAD + max(request.maximum_body, MAXIMUM_ERROR_BODY) * 9 // 8):
        response = await http.send(message, stream=True, follow_redirects=False)
        try:
            body = await _body(response, request)
        finally:
            await response.aclose()
    return Response(request.url, response.status_code, response.headers, body)


async def _body(response: httpx.Response, request: Request) -> bytes:
    """Return the undecoded body.

    Raises TooLargeError or CompressedError, except where it is the body of an error response or web page.
    """
    if response.status_code < 300:
        if not request.maximum_body:
            return b""
        if request.sink is not None:
            await _pour(response, request.maximum_body, request.sink)
            return b""
        if "html" not in response.headers.get("content-type", ""):
            return await _raw(response, request.maximum_body)
    try:
        return await _raw(response, MAXIMUM_ERROR_BODY)
    except (failures.TooLargeError, failures.CompressedError, TooManyBytesError):
        return b""


async def _pour(response: httpx.Response, maximum: int, sink: Callable[[bytes], Awaitable[bool]]) -> None:
    _check_head(response, maximum)
    size = pieces = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        pieces += 1
        if size > maximum or pieces > MAXIMUM_PIECES + size // SMALLEST_PIECE:
            raise failures.TooLargeError
        if not await sink(piece):
            return


def _check_head(response: httpx.Response, maximum: int) -> None:
    """Check the headers before reading the body.

    Raises CompressedError, or TooLargeError if Content-Length is too large.
    """
    encodings = response.headers.get("content-encoding", "").split(",")
    if any(encoding.strip().lower() not in ("", "identity") for encoding in encodings):
        raise failures.CompressedError
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > len(str(maximum)) or int(announced) > maximum):
        raise failures.TooLargeError


async def _raw(response: httpx.Response, maximum: int) -> bytes:
    _check_head(response, maximum)
    body, pieces = bytearray(), 0
    async for piece in response.aiter_raw():
        body += piece
        pieces += 1
        if len(body) > maximum or pieces > MAXIMUM_PIECES:
            raise failures.TooLargeError
    return bytes(body)


def _timeout(http: httpx.AsyncClient, request: Request) -> httpx.Timeout:
    """Return the client's timeout, with the read timeout of the request if it has one."""
    usual = http.timeout
    read = usual.read if request.read_timeout is None else request.read_timeout
    return httpx.Timeout(connect=usual.connect, read=read, write=usual.write, pool=usual.pool)
