"""Connections that never lead to where a cloud hands out credentials, whatever a name resolves to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address

import httpcore
import httpx
from httpx._utils import get_environment_proxies

from rasa_environments.rasa.metadata_addresses import Address, literal, what_it_is


class RefusedHost(Exception):
    """A host that is, or resolves to, an address that is never asked; says which, and why."""


class GuardedNetwork(httpcore.AnyIOBackend):
    """Resolves a host once, and connects to what was looked at: a name cannot change its address in between."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the host's addresses that takes one, `timeout` being shared among them.

        Raises RefusedHost before any connection when one of them is never asked, ConnectError, ConnectTimeout.
        """
        addresses = await _resolved(host, port, timeout)
        for address in addresses:
            refuse(host, address)
        patience = None if timeout is None else timeout / len(addresses)
        *others, last = (str(address) for address in addresses)
        for other in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await super().connect_tcp(other, port, patience, local_address, socket_options)
        return await super().connect_tcp(last, port, patience, local_address, socket_options)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx' own transport on a guarded network.

    A proxy resolves names itself, so that through one only a host that is an address is looked at.
    """

    def __init__(self, limits: httpx.Limits, proxy: httpx.Proxy | None = None) -> None:
        super().__init__(limits=limits, proxy=proxy)
        self._pool._network_backend = GuardedNetwork()  # noqa: SLF001 - httpx has no parameter for it

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises RefusedHost when the host is never asked."""
        address = literal(request.url.host)
        if address is not None:
            refuse(request.url.host, address)
        return await super().handle_async_request(request)


def guarded_proxies(limits: httpx.Limits) -> dict[str, GuardedTransport | None]:
    """Transports through the proxies of the environment (HTTPS_PROXY, NO_PROXY ...), for httpx' `mounts`.

    httpx looks for proxies itself only as long as it makes the transports.
    """
    return {
        pattern: None if url is None else GuardedTransport(limits, httpx.Proxy(url))
        for pattern, url in get_environment_proxies().items()
    }


def refuse(host: str, address: Address) -> None:
    """Raises RefusedHost when the host's address is one that is never asked."""
    what = what_it_is(address)
    if what is not None:
        raise RefusedHost(f"{host} is {what}" if host == str(address) else f"{host} is {address}, {what}")


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
