"""What a person reads when there is no answer at all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.rasa import transport
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import InvalidAddress, RasaError, UnexpectedAnswer, Unreachable
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.transport import http_client

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(connection: Connection, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A raw server on loopback; gives its port, and waits at the end until every connection is done."""
    done: list[asyncio.Event] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done.append(asyncio.Event())
        ended = done[-1]
        with suppress(ConnectionError):
            await connection(reader, writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
    for event in done:
        await event.wait()


async def failure(http: httpx.AsyncClient, url: str) -> RasaError:
    """The error of a listing."""
    with pytest.raises(RasaError) as caught:
        await ModelServerClient(http, ModelServerAddress(url), Credentials(token="service-token")).models()
    return caught.value


async def test_a_closed_port(http: httpx.AsyncClient, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"

    error = await failure(http, url)

    assert error.reason is Reason.MODEL_SERVER_UNREACHABLE
    assert error.message == (
        f"the model server at {url}/api/projects/default/models cannot be reached: connection refused, nothing listens "
        "there; check `url` of the ModelServer"
    )


async def test_an_unknown_host(http: httpx.AsyncClient) -> None:
    error = await failure(http, "http://no-such-host.invalid:5002")

    assert isinstance(error, Unreachable)
    assert "the host name no-such-host.invalid is not known (DNS: " in error.message


@pytest.mark.parametrize(
    "url", ["rasa-x:5002", "ftp://rasa-x", "http://", "http://[::1", "http://a b/", "http://x:99999"]
)
async def test_an_address_that_is_none(http: httpx.AsyncClient, url: str) -> None:
    error = await failure(http, url)

    assert isinstance(error, InvalidAddress)
    assert "is not an http(s) URL with a host; check `url` of the ModelServer" in error.message


async def test_a_server_that_hangs_up(http: httpx.AsyncClient) -> None:
    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with listening(hang_up) as port:
        error = await failure(http, f"http://127.0.0.1:{port}")

    assert "it closes the connection without an HTTP answer" in error.message


async def test_a_server_that_speaks_no_http(http: httpx.AsyncClient) -> None:
    async def speak_ssh(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")

    async with listening(speak_ssh) as port:
        error = await failure(http, f"http://127.0.0.1:{port}")

    assert "it closes the connection without an HTTP answer" in error.message


async def test_a_server_that_is_silent() -> None:
    async def be_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(be_silent) as port, http_client(timeout=0.1) as http:
        error = await failure(http, f"http://127.0.0.1:{port}")

    assert "it did not answer in time" in error.message


async def test_a_server_that_drips(http: httpx.AsyncClient) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.05)

    async with listening(drip) as port:
        request = transport.Request("GET", f"http://127.0.0.1:{port}", deadline=0.3)
        with pytest.raises(Unreachable, match=r"it did not answer within 0\.3 s"):
            await transport.ask(http, transport.MODEL_SERVER, request)


async def test_an_answer_that_breaks_off(http: httpx.AsyncClient) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[")

    async with listening(break_off) as port:
        error = await failure(http, f"http://127.0.0.1:{port}")

    assert isinstance(error, Unreachable)


async def test_an_answer_that_is_garbled(http: httpx.AsyncClient) -> None:
    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")

    async with listening(garble) as port:
        error = await failure(http, f"http://127.0.0.1:{port}")

    assert isinstance(error, UnexpectedAnswer)
    assert "sends a garbled answer" in error.message


async def test_https_to_a_port_without_tls(http: httpx.AsyncClient) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with listening(plain) as port:
        error = await failure(http, f"https://127.0.0.1:{port}")

    assert "it does not speak TLS there: write http://" in error.message


async def test_a_certificate_that_nobody_signed(http: httpx.AsyncClient) -> None:
    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))

    async with listening(answer, context) as port:
        error = await failure(http, f"https://127.0.0.1:{port}")

    assert (
        "its certificate is not trusted (self-signed certificate): name its authority in SSL_CERT_FILE" in error.message
    )
