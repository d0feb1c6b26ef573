"""Addresses that no request is ever sent to: link-local ones, where clouds keep the credentials of their machines."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

import httpx

_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))
"""Metadata services outside of 169.254.0.0/16 and fe80::/10: of AWS over IPv6, and of Alibaba Cloud."""


class RefusedAddressError(Exception):
    """The host is, or resolves to, an address that no request is sent to."""


def is_refused(address: str) -> bool:
    """Return whether this IP address, as `getaddrinfo` writes it, is link-local or a cloud's metadata service."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed.scope_id is not None:
            parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.is_link_local or parsed in _METADATA


def literal_problem(host: str) -> str | None:
    """Return what is wrong with a host that is written as an IP address, or None. Nothing is looked up.

    An address may be written in any of the forms that a resolver takes: `169.254.169.254`, `2852039166`, `0xa9fea9fe`.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    refused = next((str(entry[4][0]) for entry in found if is_refused(str(entry[4][0]))), None)
    return f"{refused} is a link-local address: no request is sent to those" if refused is not None else None


class GuardedTransport(httpx.AsyncBaseTransport):
    """Looks the host up, refuses it if any of its addresses is refused, and connects to what was looked up.

    So a name cannot stand for one address when it is checked and for another when it is used.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request.

        Raises:
            RefusedAddressError: to none of them was anything sent.
            httpx.TransportError: as httpx does.
        """
        addresses = await self._resolved(request)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_pinned(request, address))
            except httpx.ConnectError:
                continue
        return await self._inner.handle_async_request(_pinned(request, addresses[-1]))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _resolved(self, request: httpx.Request) -> list[str]:
        host = request.url.host
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpx.ConnectError("its host name is not known", request=request) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if any(is_refused(address) for address in addresses):
            raise RefusedAddressError(f"its host {host} has a link-local address: no request is sent to those")
        return addresses


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
