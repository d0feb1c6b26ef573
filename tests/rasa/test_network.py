"""No connection is even attempted to addresses where a cloud provides credentials, unless that is allowed."""

from __future__ import annotations

import asyncio
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from dataclasses import dataclass, field

import httpx
import pytest

from outbound_http.addresses import AddressPolicy
from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import AddressRefusedError, RasaError, UnreachableError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.server import served_model
from rasa_environments.rasa.transport import http_client

from .conftest import ScriptedServer, says

MODELS = "/api/projects/default/models"
METADATA = "169.254.169.254"
LOGIN = Credentials(token="service-token", username="admin", password="letmein")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the address of each connection that the event loop starts, without opening it."""
    started: list[str] = []

    async def connect(_: BaseSelectorEventLoop, __: socket.socket, address: tuple[str, int]) -> None:
        started.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", connect)
    return started


@dataclass
class Names:
    """What names resolve to, one answer after the other, the last one forever; and a record of lookups."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)

    def resolve(self, given: str | bytes, port: int, *_: int, **__: int) -> object:
        """Replaces socket.getaddrinfo."""
        host = given.decode() if isinstance(given, bytes) else given
        self.looked_up.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in address], socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Set the known names."""
    known = Names()
    monkeypatch.setattr(socket, "getaddrinfo", known.resolve)
    return known


def port_of(server: ScriptedServer) -> int:
    """The port of a server on 127.0.0.1."""
    return httpx.URL(server.url).port or 80


async def failure(http: httpx.AsyncClient, url: str) -> RasaError:
    """The error of a listing."""
    with pytest.raises(RasaError) as caught:
        await ModelServerClient(http, ModelServerAddress(url), LOGIN).models()
    return caught.value


@pytest.mark.parametrize(
    "host",
    [
        METADATA,
        f"{METADATA}.",
        "2852039166",
        "0xa9fea9fe",
        "169.254.43518",
        "[fe80::a9fe:a9fe]",
        f"[::ffff:{METADATA}]",
        f"[64:ff9b::{METADATA}]",
        "[fd00:ec2::254]",
        "100.100.100.200",
    ],
)
async def test_such_an_address_is_not_asked(http: httpx.AsyncClient, connections: list[str], host: str) -> None:
    error = await failure(http, f"http://{host}/latest")

    assert isinstance(error, AddressRefusedError)
    assert connections == []


async def test_the_refusal_says_what_and_why_and_what_to_do(http: httpx.AsyncClient) -> None:
    error = await failure(http, "http://2852039166/latest?token=secret")

    assert reason_of(error) is Reason.ADDRESS_REFUSED
    assert message_of(error) == (
        "the model server at http://2852039166/latest is not asked: 2852039166 is 169.254.169.254, a link-local "
        "address, where clouds hand out a machine's credentials; check `url` of the ModelServer, or permit such "
        "addresses with the option --allow-link-local of `rasa-environments run`"
    )


@pytest.mark.parametrize("addresses", [[METADATA], ["127.0.0.1", METADATA], ["fe80::1%1"], ["fd00:ec2::254"]])
async def test_a_name_that_resolves_to_one_is_not_asked(
    http: httpx.AsyncClient, connections: list[str], names: Names, addresses: list[str]
) -> None:
    names.answers["metadata.example"] = [addresses]

    error = await failure(http, "http://metadata.example:8080")

    assert isinstance(error, AddressRefusedError)
    assert f"metadata.example is {addresses[-1]}, " in message_of(error)
    assert connections == []


async def test_neither_a_login_nor_a_write_nor_a_question_to_a_pod_goes_there(
    http: httpx.AsyncClient, connections: list[str]
) -> None:
    client = ModelServerClient(http, ModelServerAddress(f"http://{METADATA}"), LOGIN)

    for call in (
        client.put_tag("m", "production"),
        client.environments.read(),
        client.environments.replace([]),
        client.version(),
        served_model(http, f"http://{METADATA}:5005", "token"),
    ):
        with pytest.raises(AddressRefusedError):
            await call

    assert connections == []


async def test_it_is_asked_where_that_is_allowed(connections: list[str], names: Names) -> None:
    names.answers["metadata.example"] = [[METADATA]]

    async with http_client(policy=AddressPolicy(allow_link_local=True)) as http:
        errors = [await failure(http, f"http://{host}") for host in (METADATA, "metadata.example")]

    assert [type(error) for error in errors] == [UnreachableError, UnreachableError]
    assert connections == [METADATA, METADATA]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "0.0.0.0", "me.example"])
async def test_in_a_cluster_nothing_is_asked_on_loopback(connections: list[str], names: Names, host: str) -> None:
    names.answers["me.example"] = [["10.0.0.7", "127.0.0.1"]]

    async with http_client(policy=AddressPolicy(allow_loopback=False)) as http:
        error = await failure(http, f"http://{host}:8080")

    assert isinstance(error, AddressRefusedError)
    assert "a loopback address, which leads to the program that asks" in message_of(error)
    assert "with the option --allow-loopback of `rasa-environments run`" in message_of(error)
    assert connections == []


async def test_a_name_that_changes_its_address_in_between_is_connected_to_what_was_looked_at(
    server: ScriptedServer, http: httpx.AsyncClient, names: Names
) -> None:
    names.answers["rebinding.example"] = [["127.0.0.1"], [METADATA]]
    server.answer("GET", MODELS, says([]))

    models = await ModelServerClient(
        http, ModelServerAddress(f"http://rebinding.example:{port_of(server)}"), LOGIN
    ).models()

    assert models == ()
    assert names.looked_up == ["rebinding.example"]
    assert server.asked[0].headers["Host"] == f"rebinding.example:{port_of(server)}"


async def test_a_kept_connection_needs_no_second_look_up(
    server: ScriptedServer, http: httpx.AsyncClient, names: Names
) -> None:
    names.answers["rasa-x.example"] = [["127.0.0.1"]]
    server.answer("GET", MODELS, says([]))
    client = ModelServerClient(http, ModelServerAddress(f"http://rasa-x.example:{port_of(server)}"), LOGIN)

    await client.models()
    await client.models()

    assert names.looked_up == ["rasa-x.example"]


async def test_the_second_address_of_a_name_is_tried_where_the_first_refuses(
    server: ScriptedServer, http: httpx.AsyncClient, names: Names
) -> None:
    names.answers["rasa-x.example"] = [["127.0.0.2", "127.0.0.1"]]
    server.answer("GET", MODELS, says([]))

    models = await ModelServerClient(
        http, ModelServerAddress(f"http://rasa-x.example:{port_of(server)}"), LOGIN
    ).models()

    assert models == ()


async def test_a_name_that_is_not_known_is_looked_up_once(http: httpx.AsyncClient, names: Names) -> None:
    error = await failure(http, "http://no-such-host.example")

    assert isinstance(error, UnreachableError)
    assert "cannot be reached: its host name is not known" in message_of(error)
    assert names.looked_up == ["no-such-host.example"]


async def test_a_name_that_can_be_none_is_told(http: httpx.AsyncClient) -> None:
    error = await failure(http, f"http://{'a' * 64}.example")

    assert isinstance(error, UnreachableError)
    assert f"{'a' * 64}.example is no host name" in error.detail


async def test_a_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> object:
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", hang)
    async with http_client(timeout=0.05) as http:
        error = await failure(http, "http://rasa-x.example")

    assert error.detail == "no connection in time"


async def test_through_a_proxy_an_address_is_still_not_asked_for(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)

    async with http_client() as http:
        error = await failure(http, f"http://{METADATA}")

    assert isinstance(error, AddressRefusedError)
    assert server.asked == []


async def test_a_proxy_is_handed_the_name(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.answer("GET", MODELS, says([]))

    async with http_client() as http:
        models = await ModelServerClient(http, ModelServerAddress("http://only.the.proxy.knows"), LOGIN).models()

    assert models == ()
    assert server.asked[0].headers["Host"] == "only.the.proxy.knows"


async def test_no_proxy_is_heeded(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.answer("GET", MODELS, says([]))

    async with http_client() as http:
        assert await ModelServerClient(http, ModelServerAddress(server.url), LOGIN).models() == ()
