"""Which addresses are never asked, in every notation of theirs."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.rasa.metadata_addresses import METADATA_SERVICES, literal, what_it_is

LINK_LOCAL = st.integers(0, 0xFFFF).map(lambda low: IPv4Address((169 << 24) + (254 << 16) + low))


@given(address=LINK_LOCAL)
def test_an_ipv4_link_local_address_is_known_in_all_its_notations(address: IPv4Address) -> None:
    number = int(address)
    first, second, third, fourth = address.packed
    notations = [
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

    assert {literal(notation) for notation in notations} == {address}
    assert "a link-local address" in (what_it_is(address) or "")


@given(address=LINK_LOCAL)
def test_an_ipv6_address_that_stands_for_one_is_one(address: IPv4Address) -> None:
    number = int(address)
    mapped, compatible, nat64 = f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}"
    six_to_four = IPv6Address((0x2002 << 112) + (number << 80) + 1)

    for text in (mapped, compatible, nat64, str(six_to_four), f"[{mapped}]"):
        known = literal(text)
        assert known is not None
        assert "a link-local address" in (what_it_is(known) or "")


@given(low=st.integers(0, (1 << 118) - 1), zone=st.sampled_from(["", "%eth0", "%25eth0"]))
def test_an_ipv6_link_local_address_is_one_with_any_zone(low: int, zone: str) -> None:
    known = literal(f"{IPv6Address((0xFE80 << 112) + low)}{zone}")

    assert known is not None
    assert "a link-local address" in (what_it_is(known) or "")


@pytest.mark.parametrize("address", METADATA_SERVICES, ids=str)
def test_a_metadata_service_elsewhere_is_called_by_its_cloud(address: IPv4Address | IPv6Address) -> None:
    assert METADATA_SERVICES[address] in (what_it_is(address) or "")


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.96.0.1",
        "192.168.1.7",
        "169.253.255.255",
        "169.255.0.0",
        "::1",
        "fd00::1",
        "fec0::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_where_servers_live_is_asked(text: str) -> None:
    assert literal(text) == ip_address(text)
    assert what_it_is(ip_address(text)) is None


@pytest.mark.parametrize(
    "host", ["rasa-x", "rasa-x.default.svc", "169.254.169.254.nip.io", "0xrasa", "é", "a" * 70, ""]
)
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None
