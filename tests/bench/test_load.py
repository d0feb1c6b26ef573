"""The load on a model server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bench.load import rate, request_of


@contextlib.asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[int]:
    """Answers each request with the same bytes; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


async def test_answers_are_counted() -> None:
    async with server(b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        assert await rate("127.0.0.1", port, request_of("models", "/", "e"), connections=2, seconds=0.2) > 0


async def test_another_answer_than_204_ends_the_measurement() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as port:
        with pytest.raises(ConnectionError, match="200 OK"):
            await rate("127.0.0.1", port, request_of("models", "/", "e"), connections=1, seconds=5)


def test_a_pull_has_the_hash_of_the_model_that_is_there() -> None:
    assert b'If-None-Match: "abc"\r\n' in request_of("models", "/tags/production", "abc")
