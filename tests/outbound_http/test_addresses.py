"""Which addresses are refused, in every notation and in every IPv6 encoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from outbound_http.addresses import METADATA_SERVICES, Address, AddressPolicy, Kind, literal

IN_A_CLUSTER = AddressPolicy(allow_loopback=False)
ELSEWHERE = AddressPolicy()


def within(first: str, bits: int) -> st.SearchStrategy[IPv4Address]:
    """Every IPv4 address from `first` on, in so many low bits."""
    return st.integers(0, (1 << bits) - 1).map(lambda low: IPv4Address(int(IPv4Address(first)) + low))


LINK_LOCAL = within("169.254.0.0", 16)
LOOPBACK = within("127.0.0.0", 24) | within("0.0.0.0", 24)
METADATA = st.sampled_from(
    [network.network_address for network in METADATA_SERVICES if isinstance(network.network_address, IPv4Address)]
)

WRAPPED: Mapping[str, Callable[[int], int]] = {
    "mapped": lambda four: 0xFFFF << 32 | four,
    "compatible": lambda four: four,
    "translated": lambda four: 0xFFFF << 48 | four,
    "6to4": lambda four: 0x2002 << 112 | four << 80 | 1,
    "Teredo client": lambda four: 0x20010000 << 96 | 0x41F01234 << 64 | ~four & 0xFFFFFFFF,
    "Teredo server": lambda four: 0x20010000 << 96 | four << 64 | 0xF5FFFFFE,
    "ISATAP": lambda four: 0x20010DB8 << 96 | 0x00005EFE << 32 | four,
    "ISATAP, universal": lambda four: 0xFD000001 << 96 | 0x02005EFE << 32 | four,
    "NAT64": lambda four: 0x0064FF9B << 96 | four,
    "NAT64, local, /96": lambda four: 0x0064FF9B0001 << 80 | four,
    "NAT64, local, /64": lambda four: 0x0064FF9B0001 << 80 | four << 24,
    "NAT64, local, /56": lambda four: 0x0064FF9B0001 << 80 | four >> 24 << 64 | (four & 0xFFFFFF) << 32,
    "NAT64, local, /48": lambda four: 0x0064FF9B0001 << 80 | four >> 16 << 64 | (four & 0xFFFF) << 40,
}
"""How an IPv6 address encodes an IPv4 address."""


def kind(policy: AddressPolicy, address: Address) -> Kind | None:
    """Return the policy's verdict on the address."""
    refusal = policy.refusal(address)
    return None if refusal is None else refusal.kind


def notations(address: IPv4Address) -> list[str]:
    """Return the address as inet_aton reads it."""
    number = int(address)
    first, second, third, fourth = address.packed
    return [
        str(address),
        f"{address}.",
        str(number),
        hex(number),
        f"0x{number:X}",
        f"0{number:o}",
        f"{first}.{number & 0xFFFFFF}",
        f"{first}.{second}.{number & 0xFFFF}",
        f"0{first:o}.0{second:o}.0{third:o}.0{fourth:o}",
        f"0x{first:x}.{second}.0{third:o}.{fourth}",
    ]


@given(address=LINK_LOCAL)
def test_a_link_local_address_is_refused_everywhere_in_all_its_notations(address: IPv4Address) -> None:
    assert {literal(notation) for notation in notations(address)} == {address}
    assert kind(ELSEWHERE, address) is Kind.LINK_LOCAL


@given(address=LOOPBACK)
def test_a_loopback_address_is_refused_only_in_a_cluster(address: IPv4Address) -> None:
    assert {literal(notation) for notation in notations(address)} == {address}
    assert kind(IN_A_CLUSTER, address) is Kind.LOOPBACK
    assert kind(ELSEWHERE, address) is None


@pytest.mark.parametrize("wrapping", WRAPPED)
@given(address=LINK_LOCAL | LOOPBACK | METADATA)
def test_an_ipv6_address_that_stands_for_a_refused_one_is_refused(wrapping: str, address: IPv4Address) -> None:
    wrapped = IPv6Address(WRAPPED[wrapping](int(address)))

    assert kind(IN_A_CLUSTER, wrapped) is not None
    assert literal(f"[{wrapped}]") == wrapped


AMBIGUOUS: Mapping[str, Callable[[int, int], bool]] = {
    "NAT64, local, /64": lambda _, last: last == 127,
    "NAT64, local, /48": lambda third, last: third == 127 or (third, last) == (169, 254),
}
"""Servers at 192.168.third.last whose address starts like a refused one, read with another prefix length."""


@pytest.mark.parametrize("wrapping", WRAPPED)
@given(last=st.integers(1, 254), third=st.integers(0, 255))
def test_an_ipv6_address_that_stands_for_a_server_is_not(wrapping: str, third: int, last: int) -> None:
    assume(wrapping not in AMBIGUOUS or not AMBIGUOUS[wrapping](third, last))
    server = IPv4Address(f"192.168.{third}.{last}")

    assert kind(IN_A_CLUSTER, IPv6Address(WRAPPED[wrapping](int(server)))) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("64:ff9b:1:0:c0:a800:7f00:0", Kind.LOOPBACK),  # 192.168.0.127 behind 64 bits, 127.0.0.0 behind 96
        ("64:ff9b:1:c0a8:7f:100::", Kind.LOOPBACK),  # 192.168.127.1 behind 48 bits, 127.1.0.0 behind 64
        ("64:ff9b:1:c0a8:a9:fe00::", Kind.LINK_LOCAL),  # 192.168.169.254 behind 48 bits, 169.254.0.0 behind 64
    ],
)
def test_an_address_that_may_stand_for_a_refused_one_is_refused(address: str, expected: Kind) -> None:
    """Only the network knows the length of its local-use prefix."""
    assert kind(IN_A_CLUSTER, IPv6Address(address)) is expected


@given(low=st.integers(0, (1 << 118) - 1), zone=st.sampled_from(["", "%eth0", "%25eth0"]))
def test_an_ipv6_link_local_address_is_refused_with_any_zone(low: int, zone: str) -> None:
    address = literal(f"{IPv6Address((0xFE80 << 112) + low)}{zone}")

    assert address is not None
    assert kind(ELSEWHERE, address) is Kind.LINK_LOCAL


@pytest.mark.parametrize(
    ("text", "cloud"),
    [
        ("fd00:ec2::254", "Amazon EC2"),
        ("fd00:ec2::23", "Amazon EC2"),
        ("fd00:ec2::253", "Amazon EC2"),
        ("fd00:ec2::254%eth0", "Amazon EC2"),
        ("fd00:c1::a9fe:a9fe", "Oracle Cloud"),
        ("192.0.0.192", "Oracle Cloud"),
        ("fd00:42::42", "Scaleway"),
        ("fd20:ce::254", "Google Cloud"),
        ("fd00:a9fe:a9fe::1", "Akamai"),
        ("fd00:100::100:200", "Alibaba Cloud"),
        ("100.100.100.200", "Alibaba Cloud"),
        ("168.63.129.16", "Azure"),
        ("64:ff9b:1::6464:64c8", "Alibaba Cloud"),
    ],
)
def test_a_metadata_service_elsewhere_is_refused_with_the_name_of_its_cloud(text: str, cloud: str) -> None:
    refusal = ELSEWHERE.refusal(ip_address(text))

    assert refusal is not None
    assert refusal.kind is Kind.METADATA
    assert cloud in refusal.description


@pytest.mark.parametrize("text", ["::1", "::", "::1%lo", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "0.0.0.0", "127.1.2.3"])
def test_what_leads_to_the_program_itself_is_refused_in_a_cluster(text: str) -> None:
    assert kind(IN_A_CLUSTER, ip_address(text)) is Kind.LOOPBACK


@pytest.mark.parametrize("text", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_each_permission_is_for_its_own_kind(text: str) -> None:
    assert AddressPolicy(allow_link_local=True, allow_loopback=False).refusal(ip_address(text)) is None
    assert AddressPolicy(allow_link_local=True, allow_loopback=False).refusal(ip_address("127.0.0.1")) is not None
    assert AddressPolicy(allow_link_local=False, allow_loopback=True).refusal(ip_address(text)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "10.96.0.1",
        "192.168.1.7",
        "169.253.255.255",
        "169.255.0.0",
        "1.0.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "fd00::1",
        "fec0::1",
        "2001:db8::1",
        "2606:4700::6810:84e5",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::1",
    ],
)
def test_where_servers_live_is_dialled(text: str) -> None:
    assert literal(text) == ip_address(text)
    assert kind(IN_A_CLUSTER, ip_address(text)) is None


@pytest.mark.parametrize(
    "host", ["rasa-x", "rasa-x.default.svc", "169.254.169.254.nip.io", "0xrasa", "é", "a" * 70, "", "a\0b"]
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None
