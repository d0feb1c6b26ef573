"""Connections: how many there are, and how much and how long each may send and read.

httptools parses requests, which takes a third less CPU for a pull check than h11. It has no limits of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rasa_model_server.request_parser import RequestParser


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of connections. uvicorn itself has one for idle connections only, 5 seconds."""

    total: int = 1000
    of_one_address: int = 200
    head_bytes: int = 16 * 1024
    """Of the first line and the headers of a request, and of what stands between the pieces of its body."""
    head_seconds: float = 10.0
    """For the first line and the headers of a request, all together."""
    body_seconds: float = 30.0
    body_bytes: int = 30 * 1024
    """Least that arrives of a body in each `body_seconds`."""
    leftover_seconds: float = 10.0
    """For the rest of a body that was answered before its end."""
    pipelined: int = 100
    """Requests that wait for the answer to the one before."""
    read_seconds: float = 60.0
    """For reading the next 256 KiB of an answer."""
    tick_seconds: float = 1.0


class RefusedRequestError(Exception):
    """A request is too large, or not whole. Raised while parsing, it ends the connection with 400."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which ends connections that are too slow, and one too many.

    A connection that waits for its request makes room for a new one. Of one address, the rest stays for others.
    """

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and make room for it."""
        super().connection_made(transport)
        self.parser = RequestParser(self)  # type: ignore[assignment]
        self._received = 0
        self._head_bytes = 0
        self._unparsed = 0
        self._in_body = False
        self._reset()
        self._reading_since: float | None = None
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(self.limits.tick_seconds, self._tick)
        others: list[LimitedProtocol] = [other for other in self.connections if isinstance(other, LimitedProtocol)]
        self._make_room([other for other in others if other.peer == self.peer], self.limits.of_one_address)
        self._make_room(others, self.limits.total)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what the client sends."""
        self._received += len(data)
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > self.limits.head_bytes and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        """Begin to count the head of a request."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the first line."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header. One that follows the body is ignored."""
        if not self._in_body:
            self._count_head(len(name) + len(value) + len(": \r\n"))
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request wait for its turn, if not too many do. HTTP/1.1 demands a Host (RFC 9112, 3.2)."""
        self._in_body = True
        self._unparsed = 0
        if len(self.pipeline) >= self.limits.pipelined:
            raise RefusedRequestError
        if self.parser.get_http_version() == "1.1" and all(name != b"host" for name, _ in self.headers):
            raise RefusedRequestError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is here."""
        self._in_body = False
        self._unparsed = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give the next request its own time."""
        self._reset()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note since when the client has not read what was sent."""
        self._reading_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client has read it."""
        self._reading_since = None
        super().resume_writing()

    @property
    def peer(self) -> str:
        """The address that the connection comes from."""
        return self.client[0] if self.client is not None else ""

    @property
    def waits_for_request(self) -> bool:
        """Whether the next request has not arrived with all of its headers."""
        return not self._in_body and self._is_answered

    @property
    def since(self) -> float:
        """When the connection was made, or its last answer complete."""
        return self._since

    @property
    def _is_answered(self) -> bool:
        """Whether no answer is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.limits.head_bytes:
            raise RefusedRequestError

    def _reset(self) -> None:
        self._since = self._window_start = self.loop.time()
        self._window_received = self._received

    def _tick(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_overdue(self.loop.time()):
            self.transport.abort()
            return
        self._timer = self.loop.call_later(self.limits.tick_seconds, self._tick)

    def _is_overdue(self, now: float) -> bool:
        limits = self.limits
        if self._reading_since is not None and now - self._reading_since > limits.read_seconds:
            return True
        if self.waits_for_request:
            return now - self._since > limits.head_seconds
        if not self._in_body:
            return False
        if self._is_answered:
            return now - self._since > limits.leftover_seconds
        return self._body_is_slow(now)

    def _body_is_slow(self, now: float) -> bool:
        """Return whether too little of a body arrived. While the server does not read it, that is not the client's."""
        held = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if not held and now - self._window_start <= self.limits.body_seconds:
            return False
        slow = not held and self._received - self._window_received < self.limits.body_bytes
        self._window_start, self._window_received = now, self._received
        return slow

    def _make_room(self, connections: Iterable[LimitedProtocol], most: int) -> None:
        open_ones = [connection for connection in connections if not connection.transport.is_closing()]
        if len(open_ones) <= most:
            return
        waiting = [connection for connection in open_ones if connection.waits_for_request]
        min(waiting, key=lambda connection: connection.since, default=self).transport.abort()


def protocol_of(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """Return the protocol with other limits."""
    members: dict[str, Any] = {"limits": limits}
    return type("LimitedProtocol", (LimitedProtocol,), members)
