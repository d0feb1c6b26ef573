"""No request is sent to link-local addresses, however they are written or looked up."""

from __future__ import annotations

import ipaddress
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_model_server.environments.addresses import GuardedTransport, RefusedAddressError, is_refused, literal_problem

LINK_LOCAL = st.ip_addresses(network="169.254.0.0/16") | st.ip_addresses(network="fe80::/10")


@given(LINK_LOCAL)
def test_every_link_local_address_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert is_refused(str(address))
    assert literal_problem(str(address)) is not None


@given(st.ip_addresses(network="169.254.0.0/16"))
def test_an_address_is_refused_in_whatever_form_it_is_written(address: ipaddress.IPv4Address) -> None:
    number = int(address)

    for form in (str(number), hex(number), f"169.254.{number & 0xFFFF}", f"::ffff:{address}"):
        assert literal_problem(form) is not None, form


@pytest.mark.parametrize("address", ["fe80::1%1", "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.169.254"])
def test_other_forms_of_metadata_services_are_refused(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "rasa-production", "rasa.example.com", ""])
def test_other_hosts_are_not_refused_and_not_looked_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    flags: list[object] = []

    def getaddrinfo(*arguments: object, **options: object) -> object:
        flags.append(options["flags"])
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    assert literal_problem(host) is None
    assert flags == [socket.AI_NUMERICHOST]


class Inner(httpx.AsyncBaseTransport):
    """Notes what is sent, and connects to the addresses that answer."""

    def __init__(self, *answering: str) -> None:
        self.answering = answering
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.url.host not in self.answering:
            raise httpx.ConnectError("refused")
        return httpx.Response(200)


def names(monkeypatch: pytest.MonkeyPatch, **addresses: list[str]) -> None:
    """Let each name, with an underscore for each dot, stand for its addresses."""

    def getaddrinfo(host: str, *_: object, **__: object) -> object:
        return [(0, 0, 0, "", (address, 0)) for address in addresses[host.replace(".", "_")]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_what_was_looked_up_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, rasa_example=["127.0.0.2"])
    inner = Inner("127.0.0.2")

    async with httpx.AsyncClient(transport=GuardedTransport(inner)) as client:
        await client.get("https://rasa.example:5005/version")

    (sent,) = inner.sent
    assert (str(sent.url), sent.headers["host"], sent.extensions["sni_hostname"]) == (
        "https://127.0.0.2:5005/version",
        "rasa.example:5005",
        "rasa.example",
    )


async def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, rasa=["::1", "127.0.0.1"])
    inner = Inner("127.0.0.1")

    async with httpx.AsyncClient(transport=GuardedTransport(inner)) as client:
        answer = await client.post("http://rasa/version", json={})

    assert answer.status_code == 200
    assert [request.url.host for request in inner.sent] == ["::1", "127.0.0.1"]


async def test_a_name_with_one_link_local_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, rasa=["127.0.0.1", "169.254.169.254"])
    inner = Inner("127.0.0.1", "169.254.169.254")

    async with httpx.AsyncClient(transport=GuardedTransport(inner)) as client:
        with pytest.raises(RefusedAddressError):
            await client.get("http://rasa/version")

    assert inner.sent == []
