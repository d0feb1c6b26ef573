"""What may happen to a call instead of its response. Each action is a value; `Exchange` carries it out.

An action waits at most until the fault is over. A call that was held is then forwarded, as by a server that was paused
and resumes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from tests.chaos.exchange import HALF_AN_EVENT, Exchange, end_to_end, lines, made_of

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
PAGE = "<html><body>Please log in</body></html>\n"


class Action(Protocol):
    """Answers a call, or does not."""

    async def perform(self, exchange: Exchange, /) -> web.StreamResponse:
        """The answer; where the connection has ended, it goes nowhere."""


@dataclass(frozen=True)
class PassOn:
    """Change nothing."""

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """Return the response of the server behind."""
        return await exchange.pass_on()


@dataclass(frozen=True)
class Say:
    """A response from the proxy itself; nothing is forwarded."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def perform(self, _: Exchange) -> web.StreamResponse:
        """The answer."""
        return web.Response(status=self.status, body=self.body.encode(), headers=self.headers)


def say_json(body: object, status: int = 200, **headers: str) -> Say:
    """An answer of JSON."""
    return Say(status, json.dumps(body) + "\n", JSON | {name.replace("_", "-"): text for name, text in headers.items()})


def say_status(code: int, reason: str, message: str = "a fault", **headers: str) -> Say:
    """A `Status` with which the API server refuses something."""
    return say_json(status_object(code, reason, message), code, **headers)


def status_object(code: int, reason: str, message: str = "a fault") -> dict[str, object]:
    """A `Status` of the API server."""
    kind: dict[str, object] = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure"}
    return kind | {"code": code, "reason": reason, "message": message}


@dataclass(frozen=True)
class LoseAnswer:
    """Forward the call, and reset the connection instead of sending the response."""

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """Nothing."""
        async with exchange.forwarded() as answer:
            await answer.read()
        return exchange.reset()


@dataclass(frozen=True)
class Hang:
    """Send no response while the fault lasts. Afterwards, forward the call or reset its connection."""

    forwards: bool = True

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The answer, late."""
        await exchange.lasts()
        return await exchange.pass_on() if self.forwards else exchange.reset()


@dataclass(frozen=True)
class Delay:
    """Forward the call after a delay."""

    seconds: float

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The answer, late."""
        await exchange.lasts(self.seconds)
        return await exchange.pass_on()


@dataclass(frozen=True)
class Drip:
    """Send the response in small pieces."""

    bytes_per_second: float

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The answer, slowly."""
        async with exchange.forwarded() as answer:
            response = web.StreamResponse(status=answer.status, headers=end_to_end(answer))
            if not (answer.method == "HEAD" or answer.status == 204):
                response.enable_chunked_encoding()
            await response.prepare(exchange.request)
            async for piece in answer.content.iter_any():
                await self._drip(exchange, response, piece)
        await response.write_eof()
        return response

    async def _drip(self, exchange: Exchange, response: web.StreamResponse, piece: bytes) -> None:
        place = 0
        while place < len(piece):
            size = len(piece) if exchange.over.is_set() else max(1, int(self.bytes_per_second / 10))
            await response.write(piece[place : place + size])
            place += size
            await exchange.lasts(size / self.bytes_per_second)


@dataclass(frozen=True)
class Reset:
    """Reset the connection (RST) instead of responding; nothing is forwarded."""

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """Nothing."""
        return exchange.reset()


@dataclass(frozen=True)
class Close:
    """Close the connection (FIN) instead of responding; nothing is forwarded."""

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """Nothing."""
        return exchange.close()


@dataclass(frozen=True)
class EndAfter:
    """Open a watch without events, and end it normally."""

    seconds: float = 0.0

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """An empty stream."""
        return await exchange.stream(self._nothing(exchange), JSON)

    async def _nothing(self, exchange: Exchange) -> AsyncIterator[bytes]:
        await exchange.lasts(self.seconds)
        return
        yield b""


@dataclass(frozen=True)
class EndAfterEvents:
    """End a watch normally after this many events."""

    events: int = 1

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The beginning of the stream."""
        async with exchange.forwarded() as answer:
            return await exchange.stream(self._first(lines(answer)), end_to_end(answer))

    async def _first(self, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        passed = 0
        async for line in source:
            yield line
            passed += 1
            if passed == self.events:
                return


@dataclass(frozen=True)
class CutInEvent:
    """Send half an event of a watch, and end it normally or with a reset."""

    resets: bool = False

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """Half an event."""
        if not self.resets:
            return await exchange.stream(made_of(()), JSON, HALF_AN_EVENT)
        response = web.StreamResponse(headers=JSON)
        response.enable_chunked_encoding()
        await response.prepare(exchange.request)
        await response.write(HALF_AN_EVENT)
        return exchange.reset()


@dataclass(frozen=True)
class Inject:
    """Send these lines at the start of a watch, then continue or end it."""

    lines: tuple[str, ...]
    goes_on: bool = False

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The stream, with these lines."""
        sent = [f"{line}\n".encode() for line in self.lines]
        if not self.goes_on:
            return await exchange.stream(made_of(sent), JSON)
        async with exchange.forwarded() as answer:
            return await exchange.stream(_after(sent, lines(answer)), end_to_end(answer))


async def _after(first: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for line in first:
        yield line
    async for line in rest:
        yield line


def error_event(code: int, reason: str) -> Inject:
    """Send an ERROR event in a watch, and end it."""
    return Inject((json.dumps({"type": "ERROR", "object": status_object(code, reason)}),))


@dataclass(frozen=True)
class Repeat:
    """Send each event of a watch several times and, if `old`, all earlier ones again."""

    times: int = 2
    old: bool = False

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The stream, with repetitions."""
        async with exchange.forwarded() as answer:
            if answer.status != 200:
                return web.Response(status=answer.status, body=await answer.read(), headers=end_to_end(answer))
            return await exchange.stream(self._repeated(lines(answer)), end_to_end(answer))

    async def _repeated(self, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        earlier: list[bytes] = []
        async for line in source:
            for _ in range(self.times):
                yield line
            if self.old:
                for again in earlier:
                    yield again
                earlier.append(line)
                await asyncio.sleep(0)


@dataclass(frozen=True)
class Stale:
    """Repeat the first response to the same call."""

    answers: dict[str, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict, repr=False)

    async def perform(self, exchange: Exchange) -> web.StreamResponse:
        """The first answer."""
        key = exchange.request.raw_path
        if key not in self.answers:
            async with exchange.forwarded() as answer:
                body, headers = await answer.read(), end_to_end(answer)
                if answer.status != 200:
                    return web.Response(status=answer.status, body=body, headers=headers)
                self.answers.setdefault(key, (body, headers))
        first, named = self.answers[key]
        return web.Response(body=first, headers=named)
