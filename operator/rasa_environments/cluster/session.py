"""A set of credentials and the connections that were opened with it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException
from yarl import URL

from rasa_environments.cluster.credentials import Access
from rasa_environments.cluster.errors import ApiError

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_PARTING_SECONDS: Final = 1.0

MayWrite = Callable[[], bool]


def always() -> bool:
    """Return True, for callers that need no permission."""
    return True


def _fenced(may_write: MayWrite) -> type[aiohttp.ClientRequest]:
    """Return a class of requests that are sent, if they write, only while `may_write` returns True.

    A process that is stopped for a while (SIGSTOP, a frozen machine) may no longer lead when it continues. So this is
    checked after the connection is open, which may take long, and once more in the step that passes head and body to
    the connection: before Python 3.12, aiohttp leaves that step to a task of its own.
    """
    refusal = "this process does not hold the Lease"

    class FencedRequest(aiohttp.ClientRequest):
        def _is_refused(self) -> bool:
            return self.method not in SAFE_METHODS and not may_write()

        async def send(self, conn: Connection) -> aiohttp.ClientResponse:
            if self._is_refused():
                raise aiohttp.ClientConnectionError(refusal)
            return await super().send(conn)

        async def write_bytes(
            self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
        ) -> None:
            if not self._is_refused():
                await super().write_bytes(writer, conn, content_length)
            elif conn.protocol is not None:
                conn.protocol.set_exception(aiohttp.ClientConnectionError(refusal))

    return FencedRequest


class Session(RESTClientObject):
    """The library's configured client, with access to its aiohttp session.

    Its `request` parses and prints JSON itself; using the session directly saves a third of the CPU. Enter the session
    for each request: it is closed once the last has its response, if it was retired.
    """

    def __init__(self, access: Access, user_agent: str, may_write: MayWrite = always) -> None:
        configuration = access.configuration
        headers = [("User-Agent", user_agent), ("Accept-Encoding", "identity"), *access.impersonation]
        configuration.client_session_kwargs = {
            **(configuration.client_session_kwargs or {}),
            "headers": headers,
            "request_class": _fenced(may_write),
        }
        super().__init__(configuration)
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._users = 0
        self._retired = False
        self.access = access
        self.host: str = configuration.host.rstrip("/")
        self.http: aiohttp.ClientSession = self._create_pool_manager()
        self.pool_manager = self.http
        self.options: dict[str, Any] = {}
        if configuration.tls_server_name:
            self.options["server_hostname"] = configuration.tls_server_name
        if configuration.proxy:
            proxy = URL(configuration.proxy)
            self.options["proxy"] = proxy.with_user(None)  # aiohttp repeats the user in its errors
            if proxy.user is not None:
                credentials = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
                self.options["proxy_headers"] = {"Proxy-Authorization": f"Basic {credentials}"}

    async def __aenter__(self) -> Self:
        """Mark the session as in use, until the response has been read."""
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._retired and not self._users:
            await self.close()

    async def retire(self) -> None:
        """Close all connections once the pending requests have their responses."""
        self._retired = True
        if not self._users:
            await self.close()

    async def close(self) -> None:
        """Close all connections, and wait for the TLS shutdown.

        aiohttp does not wait for it after a cancelled request.
        """
        await super().close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PARTING_SECONDS):
                while any(each.fileno() >= 0 for each in self._sockets):  # noqa: ASYNC110 - a socket has no event
                    await asyncio.sleep(0.005)

    async def authorization(self) -> str | None:
        """Return the Authorization header; the library rereads a pod's rotating token file every minute.

        Raises ApiError 401 if there is no token at present.
        """
        try:
            token: str | None = await self.configuration.get_api_key_with_prefix("BearerToken")
        except (ConfigException, OSError, ValueError) as error:
            raise ApiError(401, "Unauthorized", f"there is no token for the API server: {error}") from error
        return token and token.strip()  # a token file may end in a newline

    def _create_connector(self) -> aiohttp.TCPConnector:
        """Return a connector without a limit: each watch holds a connection, and requests must not wait for them."""
        return aiohttp.TCPConnector(limit=0, ssl=self.ssl_context, socket_factory=self._socket)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """Return a socket with TCP keep-alive, which notices when the other side has vanished."""
        family, kind, protocol, _, _ = address
        new = socket.socket(family, kind, protocol)
        new.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._sockets.add(new)
        return new
