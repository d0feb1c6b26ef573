"""Connections that are slow, or too many, are ended, and others are not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from rasa_model_server.connections import ConnectionLimits
from rasa_model_server.settings import Settings
from tests.model_server.archives import tar_gz
from tests.model_server.conftest import MODELS, READS, WRITES, ModelServer, running

QUICK = ConnectionLimits(
    head_seconds=0.3, body_seconds=0.3, leftover_seconds=0.3, read_seconds=0.5, tick_seconds=0.05, total=8
)
HEAD = f"POST {MODELS}?api_token={WRITES['api_token']} HTTP/1.1\r\nHost: x\r\n"
PART = b'--x\r\nContent-Disposition: form-data; name="model"; filename="a.tar.gz"\r\n\r\n'


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[ModelServer]:
    async with running(settings, QUICK) as started:
        yield started


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(server: ModelServer, sent: bytes = b"") -> Connection:
    url = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent)
    return reader, writer


async def is_ended(connection: Connection) -> bool:
    """Whether the server ends the connection, within seconds."""
    reader, writer = connection
    try:
        async with asyncio.timeout(20):
            await reader.read()
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        writer.close()
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n",
        f"{HEAD}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n".encode() + PART,
        f"{HEAD}Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        b'POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"username": ',
    ],
)
async def test_a_request_that_is_never_finished_is_ended(server: ModelServer, sent: bytes) -> None:
    assert await is_ended(await connected(server, sent))


@pytest.mark.parametrize("start", [b"GET /healthz HTTP/1.1\r\n", f"{HEAD}Content-Length: 100000\r\n\r\n".encode()])
async def test_a_request_that_drips_is_ended(server: ModelServer, start: bytes) -> None:
    reader, writer = await connected(server, start)

    async def drip() -> None:
        while not reader.at_eof():
            writer.write(b"X")
            await writer.drain()
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    ended = await is_ended((reader, writer))
    await asyncio.wait([dripping])
    dripping.exception()

    assert ended


async def test_an_answer_that_is_never_read_is_ended(settings: Settings) -> None:
    content = tar_gz([("weights", os.urandom(20_000_000))])
    async with running(settings, replace(ConnectionLimits(), read_seconds=0.5, tick_seconds=0.05)) as server:
        await server.upload("large", content)
        request = f"GET {MODELS}/large?token={READS['token']} HTTP/1.1\r\nHost: x\r\n\r\n"
        reader, writer = await connected(server, request.encode())
        await reader.read(100)

        async with asyncio.timeout(20):
            while not await is_counted(server, "/api/projects/{project}/models/{model}"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        writer.close()


async def is_counted(server: ModelServer, route: str) -> bool:
    """Whether a GET of the route is over: answered or abandoned."""
    text = (await server.client.get("/metrics")).text
    return f'rasa_model_server_requests_total{{method="GET",route="{route}"' in text


async def test_a_client_that_takes_its_time_between_requests_and_sends_many_is_not_ended(server: ModelServer) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await connected(server)

    for _ in range(10):
        writer.write(request)
        answer = await reader.readuntil(b'{"status":"ok"}')
        assert answer.startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.1)
    writer.close()


@pytest.mark.parametrize(
    "limits", [ConnectionLimits(total=8, head_seconds=100), ConnectionLimits(of_one_address=8, head_seconds=100)]
)
async def test_a_new_connection_takes_the_place_of_one_that_waits_for_its_request(
    settings: Settings, limits: ConnectionLimits
) -> None:
    async with running(settings, limits) as server, httpx.AsyncClient(base_url=server.url) as client:
        held = [await connected(server, b"GET ") for _ in range(20)]

        answer = await client.get("/healthz")
        ended = [await is_ended(connection) for connection in held[:13]]

        for _, writer in held[13:]:
            writer.close()
    assert answer.status_code == 200
    assert all(ended)


async def test_a_length_of_5000_digits_is_no_error_of_the_server(server: ModelServer) -> None:
    sent = f"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Length: {'9' * 5000}\r\n\r\n"
    reader, writer = await connected(server, sent.encode())

    answer = await reader.read(100)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: xxxxxxxxxxxxxxx\r\n" * 1000 + b"\r\n",
        b"\r\n" * 10_000,
        b"POST /api/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + b"x" * 600_000,
        b"POST /api/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: xxxxxx\r\n" * 60_000,
    ],
    ids=["path", "header", "headers", "empty lines", "chunk extension", "trailers"],
)
async def test_what_stands_around_bodies_ends_the_connection_when_it_is_too_much(
    settings: Settings, sent: bytes
) -> None:
    async with running(settings) as server:
        assert await is_ended(await connected(server, sent))


async def test_requests_that_are_sent_ahead_are_answered_one_after_the_other(server: ModelServer) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    reader, writer = await connected(server, request * 499 + last)

    answers = await reader.read()
    writer.close()

    assert answers.count(b"HTTP/1.1 200") == 500


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
LOGIN = b'{"username": "me", "password": "correct horse"}'


@pytest.mark.parametrize(
    "framed",
    [
        b"Content-Length: %d\r\n\r\n%s" % (len(LOGIN), LOGIN),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(LOGIN), LOGIN),
    ],
    ids=["length", "chunks"],
)
@pytest.mark.parametrize("pieces", [1, 7, 1000])
async def test_a_request_that_offers_another_protocol_is_answered_with_its_body(
    server: ModelServer, framed: bytes, pieces: int
) -> None:
    login = b"POST /api/auth HTTP/1.1\r\nHost: x\r\n" + OFFER + framed
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + OFFER.replace(b"Upgrade, ", b"close, Upgrade, ", 1) + b"\r\n"
    sent = login + login + last
    reader, writer = await connected(server)

    size = -(-len(sent) // pieces)
    for start in range(0, len(sent), size):
        writer.write(sent[start : start + size])
        await writer.drain()
    answers = await reader.read()
    writer.close()

    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.count(b"access_token") == 2
    assert answers.endswith(b'{"status":"ok"}')


async def test_a_request_without_a_host_is_refused(server: ModelServer) -> None:
    reader, writer = await connected(server, b"GET /healthz HTTP/1.1\r\n\r\n")

    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400")
