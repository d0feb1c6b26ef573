"""Limits on a response: bytes, pieces and time, whatever the other side sends."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from outbound_http import failures
from outbound_http.addresses import AddressPolicy
from outbound_http.exchange import MAXIMUM_ERROR_BODY, Request, Response, exchange, http_client
from outbound_http.json_size import has_too_many_values
from tests.loopback import NO_TLS

from .raw_server import HEAD_ENDS, Connection, answer, listening, repeating, saying

LIMIT = 64 * 1024
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A pool with short timeouts."""
    async with http_client(AddressPolicy(), "test", timeout=2.0, authorities=NO_TLS) as client:
        yield client


async def got(http: httpx.AsyncClient, connection: Connection, **options: float) -> Response:
    """Return the response of a server that handles its connections like this."""
    async with listening(connection) as port:
        return await exchange(http, Request("GET", f"http://127.0.0.1:{port}/x", maximum_body=LIMIT, **options))  # type: ignore[arg-type]


async def test_compression_is_not_asked_for(http: httpx.AsyncClient) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(HEAD_ENDS))
        writer.write(answer(b"{}"))

    await got(http, hear)

    assert b"accept-encoding: identity\r\n" in heard[0].lower()


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP", "x-new"])
async def test_a_compressed_response_is_refused_before_it_is_read(http: httpx.AsyncClient, encoding: str) -> None:
    bomb = gzip.compress(gzip.compress(b" " * 50_000_000))

    with pytest.raises(failures.CompressedError):
        await got(http, saying(answer(bomb, f"Content-Encoding: {encoding}")))


async def test_identity_is_no_compression(http: httpx.AsyncClient) -> None:
    response = await got(http, saying(answer(b"{}", "Content-Encoding: identity")))

    assert response.body == b"{}"


async def test_a_response_of_the_limit_is_read(http: httpx.AsyncClient) -> None:
    assert len((await got(http, saying(answer(b"x" * LIMIT)))).body) == LIMIT


@pytest.mark.parametrize(
    "connection",
    [
        saying(answer(b"x" * (LIMIT + 1))),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"),
        repeating(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
        repeating(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
        repeating(CHUNKED, b"1\r\nx\r\n" * 1000),
        repeating(CHUNKED, b"1;" + b"e" * 50_000 + b"\r\nx\r\n"),
        repeating(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1000),
        saying(b"HTTP/1.1 200 OK\r\n", b"X-Many: 1\r\n" * 20_000, b"\r\n"),
    ],
    ids=[
        "a body",
        "an absurd length",
        "a length",
        "until it closes",
        "chunks",
        "tiny chunks",
        "extensions of chunks",
        "informational responses",
        "headers",
    ],
)
async def test_what_has_no_end_is_given_up(http: httpx.AsyncClient, connection: Connection) -> None:
    with pytest.raises((failures.TooLargeError, failures.UnreachableError)):
        await got(http, connection, deadline=20.0)


async def test_no_more_than_the_limit_and_the_head_is_read_from_the_network(http: httpx.AsyncClient) -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(HEAD_ENDS)
        writer.write(CHUNKED)
        while not reader.at_eof():
            writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            sent += 10_000
            await writer.drain()

    with pytest.raises(failures.TooLargeError):
        await got(http, pour)

    assert sent < 20_000_000  # what the buffers of both sides take; it would pour for the whole deadline


async def test_a_response_without_its_body_costs_its_head(http: httpx.AsyncClient) -> None:
    async with listening(repeating(b"HTTP/1.1 200 OK\r\nETag: abc\r\n\r\n", b"x" * 10_000)) as port:
        response = await exchange(http, Request("GET", f"http://127.0.0.1:{port}", maximum_body=0))

    assert (response.headers["etag"], response.body) == ("abc", b"")


@pytest.mark.parametrize(
    "connection",
    [
        saying(answer(b"x" * (MAXIMUM_ERROR_BODY + 1), status="403 Forbidden")),
        saying(answer(gzip.compress(b"why"), "Content-Encoding: gzip", status="403 Forbidden")),
        repeating(b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    ],
    ids=["long", "compressed", "tiny chunks"],
)
async def test_of_a_refusal_the_status_is_enough(http: httpx.AsyncClient, connection: Connection) -> None:
    response = await got(http, connection)

    assert (response.status, response.body) == (403, b"")


async def test_a_server_that_drips_has_until_the_deadline(http: httpx.AsyncClient) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(HEAD_ENDS)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.05)

    with pytest.raises(failures.UnreachableError, match=r"it did not answer within 0\.3 s"):
        await got(http, drip, deadline=0.3)


async def test_a_connection_is_used_again_and_each_exchange_may_read_as_much(http: httpx.AsyncClient) -> None:
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await saying(answer(b"x" * LIMIT))(reader, writer)

    async with listening(count) as port:
        request = Request("GET", f"http://127.0.0.1:{port}", maximum_body=LIMIT)
        sizes = [len((await exchange(http, request)).body) for _ in range(10)]
        await http.aclose()

    assert (sizes, connections) == ([LIMIT] * 10, 1)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("http://user:hunter2@other.example:81/token-in-path?token=x#y", "http://other.example:81"),
        ("//other.example/token-in-path", "http://other.example"),
        ("https://127.0.0.1/x", "https://127.0.0.1"),
        ("file:///etc/passwd", "file://"),
    ],
)
async def test_a_redirect_elsewhere_is_reported_only_by_its_origin(
    http: httpx.AsyncClient, location: str, target: str
) -> None:
    with pytest.raises(failures.RedirectedError) as caught:
        await got(http, saying(answer(b"", f"Location: {location}", status="302 Found")))

    assert caught.value.target == target


@pytest.mark.parametrize("location", ["http://[::1", "http://x:99999999/", "http://\xff\xfe", "h" * 70_000])
async def test_a_redirect_to_what_is_no_url_is_no_response(http: httpx.AsyncClient, location: str) -> None:
    with pytest.raises(failures.ExchangeError):
        await got(http, saying(answer(b"", f"Location: {location}", status="302 Found")))


async def test_a_redirect_on_the_same_server_is_followed_a_few_times(http: httpx.AsyncClient) -> None:
    with pytest.raises(failures.TooManyRedirectsError):
        await got(http, saying(answer(b"", "Location: /x", status="302 Found")))


async def test_a_request_that_writes_is_not_repeated_elsewhere(http: httpx.AsyncClient) -> None:
    async with listening(saying(answer(b"", "Location: /y", status="307 Temporary Redirect"))) as port:
        with pytest.raises(failures.RedirectedError):
            await exchange(http, Request("PUT", f"http://127.0.0.1:{port}/x"))


async def test_why_there_is_no_response_is_told_to_who_runs_the_program(
    http: httpx.AsyncClient, unused_tcp_port: int
) -> None:
    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(HEAD_ENDS)

    async def speak_ssh(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")

    seen = []
    for connection in (hang_up, speak_ssh):
        with pytest.raises(failures.UnreachableError) as caught:
            await got(http, connection)
        seen.append(str(caught.value))
    with pytest.raises(failures.UnreachableError) as caught:
        await exchange(http, Request("GET", f"http://127.0.0.1:{unused_tcp_port}"))

    assert seen == ["it closes the connection without an HTTP answer"] * 2
    assert str(caught.value) == "connection refused, nothing listens there"


async def test_https_to_a_port_without_tls_is_reported(http: httpx.AsyncClient) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"", status="400 Bad Request"))

    async with listening(plain) as port:
        with pytest.raises(failures.UnreachableError, match="it does not speak TLS there: write http://"):
            await exchange(http, Request("GET", f"https://127.0.0.1:{port}"))


async def test_a_certificate_that_nobody_signed_is_reported(http: httpx.AsyncClient) -> None:
    async def respond(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))

    async with listening(respond, context) as port:
        with pytest.raises(failures.UnreachableError, match=r"certificate is not trusted \(self-signed certificate\)"):
            await exchange(http, Request("GET", f"https://127.0.0.1:{port}"))


@pytest.mark.parametrize("url", ["rasa-x:5002", "ftp://rasa-x", "http://", "http://[::1", "http://a b/", "http://x:0"])
async def test_a_url_that_is_none_is_refused(http: httpx.AsyncClient, url: str) -> None:
    with pytest.raises(failures.InvalidUrlError):
        await exchange(http, Request("GET", url))


async def test_loopback_is_refused_in_a_cluster() -> None:
    async with http_client(AddressPolicy(allow_loopback=False), "test", timeout=2.0) as http:
        for host in (
            "127.0.0.1",
            "localhost",
            "0.0.0.0",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "[::]",
            "[::ffff:127.1.1.1]",
        ):
            with pytest.raises(failures.AddressRefusedError, match="a loopback address"):
                await exchange(http, Request("GET", f"http://{host}:9"))


async def test_a_proxy_may_be_on_loopback_and_its_servers_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(saying(answer(b"proxied"))) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        async with http_client(AddressPolicy(allow_loopback=False), "test", timeout=2.0) as http:
            response = await exchange(http, Request("GET", "http://only.the.proxy.knows"))
            with pytest.raises(failures.AddressRefusedError):
                await exchange(http, Request("GET", "http://127.0.0.1:9"))

    assert response.body == b"proxied"


def test_a_body_of_very_many_values_is_noticed_before_it_is_parsed() -> None:
    models = [{"model": f"m{n}", "hash": "h" * 32, "tags": ["a", "b"], "trained_at": 1.0, "x": n} for n in range(5000)]

    assert has_too_many_values(b"[" + b"{}," * 200_000 + b"{}]")
    assert has_too_many_values(b"[" * 300_000)
    assert not has_too_many_values(json.dumps(models).encode())
