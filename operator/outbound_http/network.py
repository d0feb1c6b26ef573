"""Network connections restricted to allowed addresses, even after name resolution, with a limit on the bytes read."""

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
"""Bytes read and parsed at a time, before the event loop runs other tasks."""


class RefusedHostError(Exception):
    """A host that is, or resolves to, an address that the policy rejects; the message names it and says why."""

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind


class TooManyBytesError(Exception):
    """More bytes arrived than the exchange may read."""


class Allowance:
    """The number of bytes that may still be read from the network, including headers and framing."""

    def __init__(self, size: int) -> None:
        self._left = size

    def spend(self, size: int) -> None:
        """Subtract bytes that have arrived. Raises TooManyBytesError if the allowance is used up."""
        self._left -= size
        if self._left < 0:
            raise TooManyBytesError


_ALLOWANCE: ContextVar[Allowance | None] = ContextVar("allowance", default=None)
"""The allowance of the exchange in the current task; a connection serves one exchange at a time."""


@contextmanager
def reading_at_most(size: int) -> Iterator[None]:
    """Limit the bytes that the current task reads from guarded connections.

    This bounds what no limit on the body covers: informational responses, headers, trailers and chunk framing. Reading
    more raises TooManyBytesError.
    """
    token = _ALLOWANCE.set(Allowance(size))
    try:
        yield
    finally:
        _ALLOWANCE.reset(token)


class MeteredStream(httpcore.AsyncNetworkStream):
    """A connection that counts received bytes against the allowance of the exchange."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the interface has it
        """Read some bytes. Raises TooManyBytesError if the allowance is used up."""
        data = await self._inner.read(min(max_bytes, READ_BYTES), timeout)
        allowance = _ALLOWANCE.get()
        if allowance is not None:
            allowance.spend(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send the bytes."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Upgrade the connection to TLS."""
        return MeteredStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about the connection, such as whether it is readable."""
        return self._inner.get_extra_info(info)


class GuardedNetwork(httpcore.AnyIOBackend):
    """Resolves a host once and connects to the checked address, so the name cannot change its address in between."""

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
        """Connect to the first of the host's addresses that accepts; they share `timeout`.

        Raises RefusedHostError before connecting if any address is rejected; otherwise ConnectError or ConnectTimeout.
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
    """Connects to the proxy, which is trusted configuration: it may be anywhere, including in the same pod."""

    def __init__(self) -> None:
        super().__init__(AddressPolicy(allow_link_local=True, allow_loopback=True))


class GuardedTransport(httpx.AsyncHTTPTransport):
    """The httpx transport on a guarded network.

    A proxy resolves names itself, so through a proxy only hosts given as IP addresses are checked.
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
        """Send the request and return the response. Raises RefusedHostError if the host is a rejected address."""
        address = literal(request.url.host)
        if address is not None:
            refuse(self._policy, request.url.host, address)
        return await super().handle_async_request(request)


def guarded_proxies(
    policy: AddressPolicy, limits: httpx.Limits, authorities: ssl.SSLContext | None = None
) -> dict[str, GuardedTransport | None]:
    """Return transports for the proxies of the environment (HTTPS_PROXY, NO_PROXY ...), for the `mounts` of httpx.

    httpx itself looks up proxies only if it creates the transports.
    """
    return {
        pattern: None if url is None else GuardedTransport(policy, limits, httpx.Proxy(url), authorities)
        for pattern, url in get_environment_proxies().items()
    }


def refuse(policy: AddressPolicy, host: str, address: Address) -> None:
    """Check the host's address against the policy. Raises RefusedHostError if it is rejected."""
    refusal = policy.refusal(address)
    if refusal is not None:
        also = "" if host == str(address) else f"{address}, "
        raise RefusedHostError(f"{host} is {also}{refusal.description}", refusal.kind)


async def _resolved(host: str, port: int, seconds: float | None) -> tuple[Address, ...]:
    """Return every address of the host in order of preference; a literal address needs no lookup."""
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
