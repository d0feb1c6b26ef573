"""One call passing through the proxy, and the open watches."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

from tests.chaos.calls import Call, Phase

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade"})
HALF_AN_EVENT = b'{"type":"MODIFIED","object":{"apiVersion":"v1","kind":"Sec'
AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing the socket sends a reset."""


class DroppedError(Exception):
    """Raised by a hook: the connection ends here, and what was not forwarded yet never will be."""


class Stream:
    """An open watch. Nothing passes while it is frozen."""

    def __init__(self, call: Call, request: web.BaseRequest, response: web.StreamResponse) -> None:
        self.call = call
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._request = request
        self._response = response
        self._line = asyncio.Lock()
        self.ended = asyncio.Event()

    async def send(self, data: bytes) -> None:
        """Sends whole lines, in one piece."""
        await self.flowing.wait()
        async with self._line:
            if not self.ended.is_set():
                await self._response.write(data)

    async def end(self, last: bytes = b"") -> None:
        """End it normally, as far as HTTP goes, after `last`."""
        async with self._line:
            if not self.ended.is_set():
                self.ended.set()
                with contextlib.suppress(ConnectionError):
                    await self._response.write(last)
                    await self._response.write_eof()

    def abort(self) -> None:
        """End the connection, even in the middle of a message."""
        self.ended.set()
        reset(self._request)


@dataclass(frozen=True)
class Exchange:
    """One call that waits for its response."""

    call: Call
    request: web.BaseRequest
    session: aiohttp.ClientSession
    upstream: str
    over: asyncio.Event
    """Set when the fault that this call met is over."""
    opened: Callable[[Stream], contextlib.AbstractContextManager[None]]
    hook: Callable[[Call, Phase], Awaitable[None]]
    sent: Callable[[Call], None]
    """Called when the call is forwarded."""

    async def lasts(self, seconds: float | None = None) -> None:
        """Wait until the fault is over or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()

    @contextlib.asynccontextmanager
    async def forwarded(self) -> AsyncIterator[aiohttp.ClientResponse]:
        """Return the response of the server behind. For a write, call the hook before and after."""
        if self.call.writes:
            await self.hook(self.call, Phase.BEFORE)
        self.sent(self.call)
        async with self.session.request(
            self.call.method,
            URL(self.upstream + self.request.raw_path, encoded=True),
            headers=[(name, value) for name, value in self.request.headers.items() if _is_end_to_end(name)],
            data=self.call.body or None,
            allow_redirects=False,
        ) as answer:
            if self.call.writes:
                await answer.read()
                await self.hook(self.call, Phase.AFTER)
            try:
                yield answer
            finally:
                _abort(answer)

    async def pass_on(self) -> web.StreamResponse:
        """Forward the call and relay its response."""
        async with self.forwarded() as answer:
            if self.call.is_watch and answer.status == 200:
                return await self.stream(lines(answer), end_to_end(answer))
            return web.Response(status=answer.status, body=await answer.read(), headers=end_to_end(answer))

    async def stream(
        self, source: AsyncIterator[bytes], headers: Mapping[str, str], last: bytes = b""
    ) -> web.StreamResponse:
        """Answers with what comes, until it ends, and `last`."""
        response = web.StreamResponse(status=200, headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(self.request)
        stream = Stream(self.call, self.request, response)
        with self.opened(stream):
            pump = asyncio.create_task(_pump(source, stream))
            ended = asyncio.create_task(stream.ended.wait())
            try:
                await asyncio.wait({pump, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (pump, ended):
                    task.cancel()
                await asyncio.gather(pump, ended, return_exceptions=True)
            await stream.end(last)
        return response

    def reset(self) -> web.StreamResponse:
        """End the connection with a reset (RST) instead of a response."""
        reset(self.request)
        return web.Response()

    def close(self) -> web.StreamResponse:
        """End the connection normally (FIN) without a response."""
        if self.request.transport is not None:
            self.request.transport.close()
        return web.Response()


def _abort(answer: aiohttp.ClientResponse) -> None:
    """End the connection of an incomplete response; a normal end would take its time with TLS."""
    if answer.connection is not None and answer.connection.transport is not None:
        answer.connection.transport.abort()


async def _pump(source: AsyncIterator[bytes], stream: Stream) -> None:
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for line in source:
            await stream.send(line)
        await stream.flowing.wait()


def reset(request: web.BaseRequest) -> None:
    """Ends the connection of a request with a reset."""
    if (transport := request.transport) is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        transport.abort()


async def lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The events of a watch, each with its line end."""
    rest = b""
    async for piece in answer.content.iter_any():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"


def end_to_end(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers of an answer that are passed on."""
    kept = {name: value for name, value in answer.headers.items() if _is_end_to_end(name)}
    if answer.method == "HEAD" and "Content-Length" in answer.headers:
        kept["Content-Length"] = answer.headers["Content-Length"]
    return kept


def _is_end_to_end(name: str) -> bool:
    return name.lower() not in HOP_BY_HOP


async def made_of(items: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The items, one after the other."""
    for item in items:
        yield item
