"""Limits on connections: how many there may be, and how slowly each may send and read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits. uvicorn itself limits idle connections only, to 5 seconds."""

    total: int = 1000
    of_one_address: int = 200
    head_seconds: float = 10.0
    """For the first line and the headers of a request, all together."""
    body_seconds: float = 30.0
    body_bytes: int = 30 * 1024
    """Least that arrives of a body in each `body_seconds`."""
    leftover_seconds: float = 10.0
    """For the rest of a body that was answered before its end."""
    read_seconds: float = 60.0
    """For reading the next 256 KiB of an answer."""
    tick_seconds: float = 1.0


class LimitedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which ends connections that are too slow, or too many.

    A new connection takes the place of one that has no request yet. No address can take the places of all others.
    """

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and make room for it."""
        super().connection_made(transport)
        self._received = 0
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
        super().data_received(data)

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
        return self.conn.their_state is h11.IDLE

    @property
    def since(self) -> float:
        """When the connection was made, or its last answer complete."""
        return self._since

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
        if self.conn.their_state is not h11.SEND_BODY:
            return False
        if self.conn.our_state is h11.DONE:
            return now - self._since > limits.leftover_seconds
        return self._body_is_slow(now)

    def _body_is_slow(self, now: float) -> bool:
        """Return whether the client sends a body too slowly. Time in which the server does not read does not count."""
        held = self.flow.read_paused or self.conn.they_are_waiting_for_100_continue
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
