"""`python -m bench.load`: asks a server the same thing on some connections for some seconds, and prints how often.

A process of its own, so that the server has its core to itself. Answers have to be 204, as those of a model server are
to a Rasa server that has the model already.
"""

import asyncio
import sys
import time

EXPECTED = b"HTTP/1.1 204"
END = b"\r\n\r\n"


class Client(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, request: bytes, ended: asyncio.Future[None]) -> None:
        self._request, self._ended = request, ended
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self.answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a connection over TCP
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Send the next request when an answer is whole; a 204 has no body."""
        self._received += data
        if END not in self._received:
            return
        if not self._received.startswith(EXPECTED):
            self._fail(f"the server answered {self._received[:60]!r}")
            return
        self._received = b""
        self.answers += 1
        if self._transport is not None:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the measurement with an error: the server has closed the connection."""
        self._fail(f"the connection was closed: {exc}")

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, message: str) -> None:
        if not self._ended.done():
            self._ended.set_exception(ConnectionError(message))


async def rate(host: str, port: int, request: bytes, connections: int, seconds: float) -> float:
    """Answers per second. Raises ConnectionError where one is not 204."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    clients = [Client(request, ended) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, host, port)  # type: ignore[misc]
    began, before = time.monotonic(), sum(client.answers for client in clients)
    await asyncio.wait([ended], timeout=seconds)
    answered, took = sum(client.answers for client in clients) - before, time.monotonic() - began
    for client in clients:
        client.close()
    if ended.done():
        ended.result()
    ended.cancel()
    return answered / took


def request_of(host: str, path: str, etag: str) -> bytes:
    """Return a pull as Rasa sends it: RFC 9110, section 13.1.2."""
    return f'GET {path} HTTP/1.1\r\nHost: {host}\r\nIf-None-Match: "{etag}"\r\n\r\n'.encode()


def main() -> None:
    """Read host, port, path, ETag, connections and seconds from the command line."""
    host, port, path, etag, connections, seconds = sys.argv[1:]
    asked = rate(host, int(port), request_of(host, path, etag), int(connections), float(seconds))
    sys.stdout.write(f"{asyncio.run(asked)}\n")


if __name__ == "__main__":
    main()
