"""Parsing requests with httptools, whatever other protocol they offer to change to."""

from __future__ import annotations

from typing import Protocol

import httptools

_FRAMING = (b"content-length", b"transfer-encoding")


class RequestEvents(Protocol):
    """What the parser calls, in the order in which a request arrives."""

    def on_message_begin(self) -> None: ...  # noqa: D102
    def on_url(self, url: bytes) -> None: ...  # noqa: D102
    def on_header(self, name: bytes, value: bytes) -> None: ...  # noqa: D102
    def on_headers_complete(self) -> None: ...  # noqa: D102
    def on_body(self, body: bytes) -> None: ...  # noqa: D102
    def on_message_complete(self) -> None: ...  # noqa: D102


class RequestParser:
    """The parser of httptools, for a server that knows no other protocol and so ignores Upgrade (RFC 9110, 7.8).

    httptools takes Upgrade for the end of HTTP, and a body behind it for another request. Java's and curl's clients
    send `Upgrade: h2c` with any request.
    """

    def __init__(self, events: RequestEvents) -> None:
        self._events = events
        self._framing: list[bytes] = []
        self._repeating = False
        self._parser = self._fresh()

    def feed_data(self, data: bytes) -> None:
        """Parse what has arrived.

        Raises:
            httptools.HttpParserError: it is no request.
        """
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._read_on()
            else:
                return

    def _fresh(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # As uvicorn has it: a request behind one with `Connection: close` does not keep that one from its answer.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _read_on(self) -> None:
        """Go on behind the head of a request with Upgrade, by repeating it without."""
        framing, self._framing = self._framing, []
        self._parser = self._fresh()
        if framing:
            self._repeating = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(framing) + b"\r\n")
            self._repeating = False

    def get_http_version(self) -> str:
        """Return the version of HTTP in the first line."""
        return self._parser.get_http_version()

    def get_method(self) -> bytes:
        """Return the method."""
        return self._parser.get_method()

    def should_keep_alive(self) -> bool:
        """Return whether the connection stays open behind the request."""
        return self._parser.should_keep_alive()

    def should_upgrade(self) -> bool:
        """Return False: there is nothing to change to."""
        return False

    def on_message_begin(self) -> None:
        """Pass the beginning of a request on."""
        if not self._repeating:
            self._framing = []
            self._events.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Pass a piece of the first line on."""
        if not self._repeating:
            self._events.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Pass a header on."""
        if not self._repeating:
            if name.lower() in _FRAMING:
                self._framing.append(name + b": " + value + b"\r\n")
            self._events.on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the end of the head on."""
        if not self._repeating:
            self._events.on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on."""
        self._events.on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end of the request on, unless its body has yet to come."""
        if not (self._framing and self._parser.should_upgrade()):
            self._events.on_message_complete()
