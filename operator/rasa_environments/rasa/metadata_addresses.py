"""Addresses at which clouds hand out a machine's credentials: link-local ones, and those of metadata services beside.

No Rasa lives there, but whoever may name the URL of a server could have the operator ask there in their place.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

METADATA_SERVICES: Mapping[Address, str] = {
    ip_address("fd00:ec2::254"): "Amazon EC2",
    ip_address("fd20:ce::254"): "Google Cloud",
    ip_address("100.100.100.200"): "Alibaba Cloud",
    ip_address("168.63.129.16"): "Azure",
}
"""Metadata services that are not at a link-local address, as the clouds' own documentation names them."""
NAT64 = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a network translates to the IPv4 address in their last 32 bits (RFC 6052)."""
IPV4_COMPATIBLE = IPv6Network("::/96")
"""IPv6 addresses that once stood for the IPv4 address in their last 32 bits (RFC 4291, 2.5.5.1)."""


def literal(host: str) -> Address | None:
    """The address that a URL's host is, in any notation that `connect` understands; None where it is a name.

    Besides the usual ones these are those of inet_aton: 2852039166, 0xa9fea9fe, 169.254.43518 and 0251.0376.0251.0376
    all are 169.254.169.254.
    """
    text = host.strip("[]").removesuffix(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, UnicodeEncodeError):
        return None


def what_it_is(address: Address) -> str | None:
    """What makes the address one that is never asked, as the end of "it is ..."; None where nothing does."""
    for form in _forms(address):
        if form.is_link_local:
            return "a link-local address, where clouds hand out a machine's credentials"
        if form in METADATA_SERVICES:
            return f"the address at which {METADATA_SERVICES[form]} hands out a machine's credentials"
    return None


def _forms(address: Address) -> Iterator[Address]:
    """The address without a zone, and every IPv4 address that it stands for."""
    if isinstance(address, IPv4Address):
        yield address
        return
    number = int(address)
    yield IPv6Address(number)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if IPv6Address(number) in NAT64 or IPv6Address(number) in IPV4_COMPATIBLE:
        yield IPv4Address(number & 0xFFFFFFFF)
