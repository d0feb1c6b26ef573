"""HTTP to the API server: authentication, timeouts, rotated credentials, throttling by the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
from yarl import URL

from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.errors import ApiError, ConfigurationError, TooLargeError
from rasa_environments.cluster.service_proxy import ServiceProxy, ServiceUrl, service_proxy
from rasa_environments.cluster.session import SAFE_METHODS, MayWrite, Session, always

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT: Final = 5.0
_READ_LIMITS: Final = aiohttp.ClientTimeout(total=15.0, sock_connect=_CONNECT_TIMEOUT, sock_read=8.0)
_WRITE_LIMITS: Final = aiohttp.ClientTimeout(total=15.0, sock_connect=_CONNECT_TIMEOUT, sock_read=12.0)
"""Seconds. A write may wait for an admission webhook, by default for 10; a request that hangs is retried soon."""
_OPEN_TIMEOUT: Final = 8.0
"""Seconds until a stream must be answered."""
LARGEST_OBJECT: Final = 10 * 1024 * 1024
"""Maximum size of an object as JSON in bytes: etcd stores 1.5 MiB, and JSON escapes some characters (`<`) to six."""
_LARGEST_ERROR: Final = 1024 * 1024
_MAX_SLOWDOWNS: Final = 5
_LONGEST_SLOWDOWN: Final = 5.0
_RELOAD_SECONDS: Final = 5.0
"""Seconds between two loads of credentials whose files have not changed: a plugin, or a service, may renew them."""

_NETWORK_ERRORS: Final = (aiohttp.ClientError, TimeoutError, OSError)


class Connection:
    """Requests to one API server; open it before use and close it afterwards.

    Credentials are reloaded if the API server rejects them, if its certificate is not the expected one, and if it
    cannot be reached and the kubeconfig has changed meanwhile.
    """

    def __init__(
        self,
        source: CredentialSource,
        user_agent: str,
        may_write: MayWrite = always,
    ) -> None:
        self._source = source
        self._user_agent = user_agent
        self._may_write = may_write
        self._session: Session | None = None
        self._reloading = asyncio.Lock()
        self._loaded_at = 0.0
        self._loaded_version: object = None
        self.namespace = "default"

    async def open(self) -> None:
        """Load the credentials; nothing is sent yet. Raises ConfigurationError."""
        self._session = await self._load()

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
        """Return the body of a successful response.

        `path` includes the encoded query. A 429 is retried after a pause (the server has not done anything yet), and a
        401 once if other credentials were found. Raises ApiError, and TooLargeError for a response of more than
        `maximum_bytes`.
        """
        slowdowns = 0
        reloaded = False
        limits = _READ_LIMITS if method in SAFE_METHODS else _WRITE_LIMITS
        while True:
            async with self._require_session() as session:
                try:
                    async with await _send(session, method, path, body, headers, limits) as response:
                        content = await _bounded(response, maximum_bytes if response.status < 300 else _LARGEST_ERROR)
                except _NETWORK_ERRORS as error:
                    await self._reload_after(error, session)
                    raise ApiError.unreachable(session.host, error) from error
            if response.status < 300:
                return content
            if response.status == 401 and not reloaded and await self._reload(session):
                reloaded = True
            elif response.status == 429 and slowdowns < _MAX_SLOWDOWNS:
                slowdowns += 1
                await asyncio.sleep(_retry_after(response))
            else:
                raise ApiError.from_body(response.status, response.reason or "", content)

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, *, headers: dict[str, str], total_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the response to a GET as a stream of chunks. Raises ApiError on entry and from the iteration."""
        limits = aiohttp.ClientTimeout(total=total_seconds, sock_connect=_CONNECT_TIMEOUT)
        async with self._require_session() as session:
            try:
                async with asyncio.timeout(_OPEN_TIMEOUT):
                    response = await _send(session, "GET", path, None, headers, limits)
            except _NETWORK_ERRORS as error:
                await self._reload_after(error, session)
                raise ApiError.unreachable(session.host, error) from error
            async with response:
                if response.status == 401:
                    await self._reload(session)
                if response.status >= 300:
                    raise ApiError.from_body(response.status, response.reason or "", await _error_body(response))
                try:
                    yield _pieces(response.content, session.host)
                finally:
                    # An abandoned stream would wait for TLS shutdown, for which a closing loop does not wait.
                    if response.connection is not None and response.connection.transport is not None:
                        response.connection.transport.abort()

    async def service_proxy(self, there: ServiceUrl) -> ServiceProxy:
        """Return the way to a Service through the API server.

        Raises ApiError if the user has no token now, and ConfigurationError if the kubeconfig asks for what is only
        supported for requests to the API server itself.
        """
        async with self._require_session() as session:
            configuration = session.access.configuration
            if configuration.proxy or configuration.tls_server_name:
                what = "a proxy" if configuration.proxy else "tls-server-name"
                raise ConfigurationError(
                    f"the way to the API server needs {what}, through which Services are not reached"
                )
            return await service_proxy(session, there)

    async def _load(self) -> Session:
        self._loaded_at, self._loaded_version = time.monotonic(), self._source.version()
        access = await self._source.load()
        self.namespace = access.namespace
        try:
            return Session(access, self._user_agent, self._may_write)
        except (OSError, ValueError) as error:  # of ssl, which reads the certificates
            raise self._source.unusable(error) from error

    async def _reload_after(self, error: BaseException, session: Session) -> None:
        """Reload the credentials if they may be the reason for the missing response."""
        if _is_of_tls(error) or self._has_changed():
            await self._reload(session)

    async def _reload(self, failed: Session) -> bool:
        """Reload the credentials; return whether others than those that failed are in use now."""
        async with self._reloading:
            if self._session is not failed:
                return True  # another request has found them
            if not self._has_changed() and time.monotonic() - self._loaded_at < _RELOAD_SECONDS:
                return False
            try:
                session = await self._load()
            except ConfigurationError as error:
                logger.warning("cannot load credentials for the API server: %s", error)
                return False
            if session.access.identity == failed.access.identity:
                await session.close()
                return False
            logger.info("credentials for the API server changed; using the new ones")
            self._session = session
            await failed.retire()
            return True

    def _has_changed(self) -> bool:
        return self._source.version() != self._loaded_version

    def _require_session(self) -> Session:
        if self._session is None:
            raise ApiError(0, "Unreachable", "the connection to the API server is closed")
        return self._session


async def _send(
    session: Session,
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
    return await session.http.request(
        method, url, data=body, headers=headers, timeout=limits, allow_redirects=False, **session.options
    )


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an error response, as far as it arrives in time."""
    try:
        async with asyncio.timeout(_OPEN_TIMEOUT):
            return await _bounded(response, _LARGEST_ERROR)
    except _NETWORK_ERRORS:
        return b""


def _is_of_tls(error: BaseException | None) -> bool:
    """Return whether one side did not accept the other's certificate."""
    while error is not None:
        if isinstance(error, (ssl.SSLError, aiohttp.ClientSSLError)):
            return True
        error = error.__cause__ or error.__context__
    return False


async def _bounded(response: aiohttp.ClientResponse, maximum_bytes: int) -> bytes:
    """Return the body. Raises TooLargeError for a successful response that is longer; its connection is closed."""
    pieces: list[bytes] = []
    length = 0
    while piece := await response.content.readany():
        length += len(piece)
        if length > maximum_bytes:
            response.close()
            if response.status < 300:
                raise TooLargeError(f"the response to {response.method} {response.url.path}", maximum_bytes)
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
    """Return how many seconds the server asks to wait."""
    try:
        seconds = float(response.headers.get("Retry-After", "1"))
    except ValueError:
        seconds = 1.0
    return min(max(seconds, 0.1), _LONGEST_SLOWDOWN)
