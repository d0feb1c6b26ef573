"""A server that answers one byte a second: never silent for long, and never done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS = 28
"""Time until a response would be complete, just within the operator's limit."""


class _Listener(ThreadingHTTPServer):
    """Accepts many connections at once."""

    request_queue_size = 1024
    daemon_threads = True


class Dripping:
    """The server, and how many requests it answers at a time."""

    def __init__(self) -> None:
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._listener = _Listener(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        dripping = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with dripping._counted(), contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    for _ in range(SECONDS):
                        self.wfile.write(b" ")
                        if dripping._over.wait(1):
                            return

            do_HEAD = do_GET  # noqa: N815 - as the library calls it

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def run(self) -> None:
        """Answers until it is closed."""
        self._listener.serve_forever()

    def close(self) -> None:
        """Ends all answers."""
        self._over.set()
        self._listener.shutdown()
        self._listener.server_close()


@contextlib.contextmanager
def dripping() -> Iterator[Dripping]:
    """Such a server."""
    server = Dripping()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
