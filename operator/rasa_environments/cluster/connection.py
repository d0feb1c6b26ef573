"""HTTP to the API server: authentication, timeouts, a rotated credential, a server that asks to slow down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import weakref
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
from kubernetes.aio.client.rest import RESTClientObject
from yarl import URL

from rasa_environments.cluster.credentials import Access, CredentialSource
from rasa_environments.cluster.errors import ApiError, TooLarge

log = logging.getLogger(__name__)

REQUEST_TIMEOUT: Final = 30.0
"""Seconds that a request may take; the API server itself gives admission webhooks up to 30."""
_CONNECT_TIMEOUT: Final = 10.0
_LIMITS: Final = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=_CONNECT_TIMEOUT)
LARGEST_OBJECT: Final = 10 * 1024 * 1024
"""Bytes of one object as JSON, at most: etcd stores 1.5 MiB, and JSON writes some characters (`<`) with six."""
_LARGEST_ERROR: Final = 1024 * 1024
_PARTING_SECONDS: Final = 1.0
_MAX_SLOWDOWNS: Final = 5
_LONGEST_SLOWDOWN: Final = 10.0

_NETWORK_ERRORS: Final = (aiohttp.ClientError, TimeoutError, OSError)


class _Session(RESTClientObject):
    """The library's configured client, with its aiohttp session in reach.

    Its `request` parses and prints JSON on its own account; going to the session directly saves a third of the CPU.
    """

    def __init__(self, access: Access, user_agent: str, impersonated: str | None) -> None:
        configuration = access.configuration
        headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        if impersonated is not None:
            headers["Impersonate-User"] = impersonated
        configuration.client_session_kwargs = {**(configuration.client_session_kwargs or {}), "headers": headers}
        super().__init__(configuration)
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.host: str = configuration.host.rstrip("/")
        self.http: aiohttp.ClientSession = self._create_pool_manager()
        self.pool_manager = self.http
        self.options: dict[str, Any] = {}
        if configuration.tls_server_name:
            self.options["server_hostname"] = configuration.tls_server_name
        if configuration.proxy:
            self.options["proxy"] = configuration.proxy

    async def close(self) -> None:
        """Close all connections, and wait until TLS has parted: aiohttp does not after a cancelled request."""
        await super().close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PARTING_SECONDS):
                while any(each.fileno() >= 0 for each in self._sockets):  # noqa: ASYNC110 - a socket has no event
                    await asyncio.sleep(0.005)

    def _create_connector(self) -> aiohttp.TCPConnector:
        """No limit: every watch holds a connection, two of each namespace, and a request must not wait for them."""
        return aiohttp.TCPConnector(limit=0, ssl=self.ssl_context, socket_factory=self._socket)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """A socket that notices when the other side has vanished (TCP keep-alive)."""
        family, kind, protocol, _, _ = address
        new = socket.socket(family, kind, protocol)
        new.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._sockets.add(new)
        return new

    async def authorization(self) -> str | None:
        """The Authorization header; the library reads a pod's rotating token file again every minute."""
        token: str | None = await self.configuration.get_api_key_with_prefix("BearerToken")
        return token


class Connection:
    """Requests to one API server. Open it before use and close it after."""

    def __init__(self, source: CredentialSource, user_agent: str, impersonated: str | None = None) -> None:
        self._source = source
        self._user_agent = user_agent
        self._impersonated = impersonated
        self._session: _Session | None = None
        self._renewal = asyncio.Lock()
        self.namespace = "default"

    async def open(self) -> None:
        """Load the credentials; raises `ConfigurationError`. Nothing is sent yet."""
        access = await self._source.load()
        self._session = _Session(access, self._user_agent, self._impersonated)
        self.namespace = access.namespace

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str],
        maximum_bytes: int = LARGEST_OBJECT,
    ) -> bytes:
        """The body of a successful answer.

        `path` includes the query, encoded. Raises `ApiError`, and `TooLarge` for an answer of more than
        `maximum_bytes`. An answer 429 is waited out (the server has not done anything yet), and after a 401 the
        credentials are loaded anew once.
        """
        slowdowns = 0
        renewed = False
        while True:
            session = self._require_session()
            try:
                async with await self._send(session, method, path, body, headers, _LIMITS) as response:
                    content = await _bounded(response, maximum_bytes if response.status < 300 else _LARGEST_ERROR)
            except _NETWORK_ERRORS as error:
                raise ApiError.unreachable(session.host, error) from error
            if response.status < 300:
                return content
            if response.status == 401 and not renewed:
                renewed = True
                await self._renew(session)
            elif response.status == 429 and slowdowns < _MAX_SLOWDOWNS:
                slowdowns += 1
                await asyncio.sleep(_retry_after(response))
            else:
                raise ApiError.from_body(response.status, response.reason or "", content)

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, *, headers: dict[str, str], total_seconds: float, idle_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The answer to a GET in pieces as they come; raises `ApiError` on entry and from the iteration."""
        session = self._require_session()
        limits = aiohttp.ClientTimeout(total=total_seconds, sock_connect=_CONNECT_TIMEOUT, sock_read=idle_seconds)
        try:
            response = await self._send(session, "GET", path, None, headers, limits)
        except _NETWORK_ERRORS as error:
            raise ApiError.unreachable(session.host, error) from error
        async with response:
            if response.status == 401:
                await self._renew(session)
            if response.status >= 300:
                content = await _bounded(response, _LARGEST_ERROR)
                raise ApiError.from_body(response.status, response.reason or "", content)
            try:
                yield _pieces(response.content, session.host)
            finally:
                # Left early, it would say goodbye in TLS and wait for the answer, which a closing loop does not.
                if response.connection is not None and response.connection.transport is not None:
                    response.connection.transport.abort()

    @staticmethod
    async def _send(
        session: _Session,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        authorization = await session.authorization()
        if authorization is not None:
            headers = {**headers, "Authorization": authorization}
        url = URL(session.host + path, encoded=True)
        return await session.http.request(method, url, data=body, headers=headers, timeout=limits, **session.options)

    async def _renew(self, refused: _Session) -> None:
        """Replace the session whose credentials were refused, unless another request has done so already."""
        async with self._renewal:
            if self._session is refused:
                log.info("the API server refused the credentials; loading them again")
                await self.open()
                await refused.close()

    def _require_session(self) -> _Session:
        if self._session is None:
            raise ApiError(0, "Unreachable", "the connection to the API server is closed")
        return self._session


async def _bounded(response: aiohttp.ClientResponse, maximum_bytes: int) -> bytes:
    """The body. One that is longer is not read to its end: the connection is closed."""
    pieces: list[bytes] = []
    length = 0
    while piece := await response.content.readany():
        length += len(piece)
        if length > maximum_bytes:
            response.close()
            if response.status < 300:
                raise TooLarge(f"the answer to {response.method} {response.url.path}", maximum_bytes)
            break
        pieces.append(piece)
    return b"".join(pieces)


async def _pieces(content: aiohttp.StreamReader, host: str) -> AsyncIterator[bytes]:
    try:
        while piece := await content.readany():
            yield piece
    except _NETWORK_ERRORS as error:
        raise ApiError.unreachable(host, error) from error


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Seconds that the server asks to wait."""
    try:
        seconds = float(response.headers.get("Retry-After", "1"))
    except ValueError:
        seconds = 1.0
    return min(max(seconds, 0.1), _LONGEST_SLOWDOWN)
