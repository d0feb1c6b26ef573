"""Classification of IP addresses, and the policy that decides which of them may be connected to."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA_SERVICES: Mapping[Network, str] = {
    ip_network("fd00:ec2::/32"): "Amazon EC2",
    ip_network("fd20:ce::254"): "Google Cloud",
    ip_network("168.63.129.16"): "Azure",
    ip_network("100.100.100.200"): "Alibaba Cloud",
    ip_network("fd00:100::100:200"): "Alibaba Cloud",
    ip_network("192.0.0.192"): "Oracle Cloud",
    ip_network("fd00:c1::/32"): "Oracle Cloud",
    ip_network("fd00:42::42"): "Scaleway",
    ip_network("fd00:a9fe:a9fe::/64"): "Akamai",
}
"""Metadata services outside the link-local ranges, as documented by each cloud.

Amazon and Oracle are whole ranges: their IPv6 services (instance metadata, EKS Pod Identity, DNS, time) share one.
"""
THIS_NETWORK = IPv4Network("0.0.0.0/8")
"""RFC 1122, 3.2.1.3. As a destination, Linux treats 0.0.0.0 as the host itself."""

TRANSLATED = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""Prefixes of IPv6 addresses that hold an IPv4 address in their last 32 bits: IPv4-compatible and IPv4-mapped (RFC
4291), IPv4-translated (RFC 7915), and the well-known prefix of NAT64 (RFC 6052)."""
NAT64_LOCAL_USE = IPv6Network("64:ff9b:1::/48")
"""RFC 8215. A network picks a prefix of 48, 56, 64 or 96 bits from it; the length decides where the IPv4 address is."""
SIX_TO_FOUR = IPv6Network("2002::/16")
TEREDO = IPv6Network("2001::/32")
ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""Bits 64 to 96 of an ISATAP address; the IPv4 address follows them (RFC 5214)."""

LOW = 0xFFFFFFFF


class Kind(Enum):
    """Why an address must not be connected to; the value completes a sentence that begins with "it is"."""

    LINK_LOCAL = "a link-local address, where clouds hand out a machine's credentials"
    METADATA = "the address at which a cloud hands out a machine's credentials"
    LOOPBACK = "a loopback address, which leads to the program that asks"


@dataclass(frozen=True)
class Refusal:
    """An address that the policy rejects."""

    kind: Kind
    description: str
    """Completes "it is ..."."""


@dataclass(frozen=True)
class AddressPolicy:
    """Which special addresses may be connected to, in addition to ordinary ones."""

    allow_link_local: bool = False
    """Link-local addresses and metadata services."""
    allow_loopback: bool = True
    """127.0.0.0/8 and ::1, and the unspecified addresses 0.0.0.0 and ::, which reach the same host."""

    def refusal(self, address: Address) -> Refusal | None:
        """Return why the address is rejected, or None if it is allowed."""
        for kind, description in _kinds(address):
            allowed = self.allow_loopback if kind is Kind.LOOPBACK else self.allow_link_local
            if not allowed:
                return Refusal(kind, description)
        return None


def literal(host: str) -> Address | None:
    """Return the address that a URL's host denotes in any notation `connect` accepts, or None for a host name.

    This includes the notations of inet_aton: 2852039166, 0xa9fea9fe, 169.254.43518 and 0251.0376.0251.0376 all mean
    169.254.169.254.
    """
    text = host.strip("[]").removesuffix(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, UnicodeEncodeError, ValueError):
        return None


def _kinds(address: Address) -> Iterator[tuple[Kind, str]]:
    """Yield every special kind of the address itself and of the IPv4 addresses embedded in it."""
    for form in _forms(address):
        if form.is_link_local:
            yield Kind.LINK_LOCAL, Kind.LINK_LOCAL.value
        for network, cloud in METADATA_SERVICES.items():
            if form in network:
                yield Kind.METADATA, f"the address at which {cloud} hands out a machine's credentials"
        if form.is_loopback or form.is_unspecified or (isinstance(form, IPv4Address) and form in THIS_NETWORK):
            yield Kind.LOOPBACK, Kind.LOOPBACK.value


def _forms(address: Address) -> Iterator[Address]:
    """Yield the address without its zone, and every IPv4 address embedded in it."""
    if isinstance(address, IPv4Address):
        yield address
        return
    plain = IPv6Address(int(address))
    number = int(plain)
    yield plain
    if any(plain in prefix for prefix in TRANSLATED) or (number >> 32) & LOW in ISATAP:
        yield IPv4Address(number & LOW)
    if plain in SIX_TO_FOUR:
        yield IPv4Address(number >> 80 & LOW)
    if plain in TEREDO:
        yield IPv4Address(number >> 64 & LOW)
        yield IPv4Address(~number & LOW)
    if plain in NAT64_LOCAL_USE:
        yield from _translated_locally(number)


def _translated_locally(number: int) -> Iterator[IPv4Address]:
    """Yield the IPv4 address for each prefix length that may be in use (RFC 6052, 2.2).

    Bits 64 to 71 are reserved. With a length other than the one in use, most addresses seem to begin with zeros, so
    such a reading counts only if the bits around it are zero as well.
    """
    for length in (48, 56, 64):
        front, behind = 64 - length, 32 - (64 - length)
        shift = 56 - behind
        bits = _low(number >> 64, front) << behind | _low(number >> shift, behind)
        if bits >> 24 or not (_low(number, shift) or _low(number >> 64 + front, length - 48)):
            yield IPv4Address(bits)
    if number & 0xFF000000 or not _low(number >> 32, 48):
        yield IPv4Address(number & LOW)


def _low(number: int, bits: int) -> int:
    """Return the lowest `bits` bits of the number."""
    return number & (1 << bits) - 1
