"""Connections to addresses that the policy allows, whatever a name resolves to, of which only so much is read."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx
from httpx._utils import get_environment_proxies

from outbound_http.addresses import Address, AddressPolicy, Kind, literal

READ_BYTES = 16 * 1024
"""What is read, and parsed in one piece, at a time: the event loop is free again after that."""


class RefusedHost(Exception):
    """A host that is, or resolves to, an address that the policy refuses; says which, and why."""

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind


class TooManyBytes(Exception):
    """More bytes arrived than the exchange may read."""


class Allowance:
    """How many bytes may still be read from the network, headers and framing included."""

    def __init__(self, size: int) -> None:
        self._left = size

    def spend(self, size: int) -> None:
        """Counts bytes that have arrived. Raises TooManyBytes."""
        self._left -= size
        if self._left < 0:
            raise TooManyBytes


_ALLOWANCE: ContextVar[Allowance | None] = ContextVar("allowance", default=None)
"""Of the exchange that the current task carries out: a connection serves one exchange after the other."""


@contextmanager
def reading_at_most(size: int) -> Iterator[None]:
    """Limits the bytes that the current task reads from guarded connections: TooManyBytes is raised at the first more.

    It bounds what no limit of the body does: informational responses, headers, trailers and the framing of chunks.
    """
    token = _ALLOWANCE.set(Allowance(size))
    try:
        yield
    finally:
        _ALLOWANCE.reset(token)


class MeteredStream(httpcore.AsyncNetworkStream):
    """A connection whose bytes are counted against the allowance of the exchange."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the interface has it
        """Some bytes. Raises TooManyBytes."""
        data = await self._inner.read(min(max_bytes, READ_BYTES), timeout)
        allowance = _ALLOWANCE.get()
        if allowance is not None:
            allowance.spend(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Sends the bytes."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """The same connection with TLS."""
        return MeteredStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What httpcore wants to know of the connection, such as whether it is readable."""
        return self._inner.get_extra_info(info)


class GuardedNetwork(httpcore.AnyIOBackend):
    """Resolves a host once, and connects to what was looked at: a name cannot change its address in between."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the host's addresses that takes one, `timeout` being shared among them.

        Raises RefusedHost before any connection when one of them is refused, ConnectError, ConnectTimeout.
        """
        addresses = await _resolved(host, port, timeout)
        for address in addresses:
            refuse(self._policy, host, address)
        patience = None if timeout is None else timeout / len(addresses)
        *others, last = (str(address) for address in addresses)
        for other in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connect(other, port, patience, local_address, socket_options)
        return await self._connect(last, port, patience, local_address, socket_options)

    async def _connect(
        self,
        host: str,
        port: int,
        seconds: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        return MeteredStream(await super().connect_tcp(host, port, seconds, local_address, socket_options))


class ProxyNetwork(GuardedNetwork):
    """Connects to the proxy, which whoever runs the program named: it may be anywhere, also beside it in the pod."""

    def __init__(self) -> None:
        super().__init__(AddressPolicy(allow_link_local=True, allow_loopback=True))


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx' own transport on a guarded network.

    A proxy resolves names itself, so that through one only a host that is an address is looked at.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        limits: httpx.Limits,
        proxy: httpx.Proxy | None = None,
        authorities: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(verify=authorities or True, limits=limits, proxy=proxy)
        self._policy = policy
        network = GuardedNetwork(policy) if proxy is None else ProxyNetwork()
        self._pool._network_backend = network  # noqa: SLF001 - httpx has no parameter for it

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response. Raises RefusedHost when the host is an address that is refused."""
        address = literal(request.url.host)
        if address is not None:
            refuse(self._policy, request.url.host, address)
        return await super().handle_async_request(request)


def guarded_proxies(
    policy: AddressPolicy, limits: httpx.Limits, authorities: ssl.SSLContext | None = None
) -> dict[str, GuardedTransport | None]:
    """Transports through the proxies of the environment (HTTPS_PROXY, NO_PROXY ...), for httpx' `mounts`.

    httpx looks for proxies itself only as long as it makes the transports.
    """
    return {
        pattern: None if url is None else GuardedTransport(policy, limits, httpx.Proxy(url), authorities)
        for pattern, url in get_environment_proxies().items()
    }


def refuse(policy: AddressPolicy, host: str, address: Address) -> None:
    """Raises RefusedHost when the policy refuses the host's address."""
    refusal = policy.refusal(address)
    if refusal is not None:
        also = "" if host == str(address) else f"{address}, "
        raise RefusedHost(f"{host} is {also}{refusal.description}", refusal.kind)


async def _resolved(host: str, port: int, seconds: float | None) -> tuple[Address, ...]:
    """Every address of the host, in the order of preference, without a look-up where it is one itself."""
    if (address := literal(host)) is not None:
        return (address,)
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return tuple(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))
