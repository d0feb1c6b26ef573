"""A server that sends exactly the bytes that a test specifies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEAD_ENDS = b"\r\n\r\n"


@asynccontextmanager
async def listening(connection: Connection, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A raw server on loopback; gives its port, and ends every connection in the end."""
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await connection(reader, writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        tasks.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls) as server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            for writer in writers:
                writer.transport.abort()
            await asyncio.gather(*tasks)


def saying(*pieces: bytes) -> Connection:
    """Answers each request on a connection with these bytes."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(HEAD_ENDS)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    return say


def repeating(head: bytes, piece: bytes) -> Connection:
    """Send the head, and repeat the piece until the other side hangs up."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(HEAD_ENDS)
        writer.write(head)
        while not reader.at_eof():
            writer.write(piece)
            await writer.drain()

    return repeat


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole response with its length."""
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + HEAD_ENDS + body
