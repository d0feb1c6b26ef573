"""A front before a model server: it counts requests, goes down and comes back, and answers wrongly on demand."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests import loopback
from tests.integration.model_server_process import ModelServerProcess

MODELS = "/api/projects/default/models"
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Said:
    """A response in place of the model server's."""

    status: int
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[[Asked], Said | None]
"""The response to send instead; None: the model server answers."""


def login_page(_: Asked) -> Said:
    """The page of a proxy in between."""
    return Said(200, "<html><body>Please log in</body></html>", {"Content-Type": "text/html"})


def refuse(_: Asked) -> Said:
    """The response to an invalid token."""
    return Said(
        401, json.dumps({"status": "failure", "reason": "NotAuthenticated"}), {"Content-Type": "application/json"}
    )


def says_json(path: str, body: object) -> Fault:
    """Answers one path with JSON from the test."""
    said = Said(200, json.dumps(body), {"Content-Type": "application/json"})
    return lambda asked: said if asked.path == path else None


class Listener(ThreadingHTTPServer):
    """When closed, it has answered every request: nothing reaches the model server later."""

    daemon_threads = False


class Front:
    """Listens on its own port, which stays the same while it goes down and up."""

    def __init__(self, behind: ModelServerProcess, tls: ssl.SSLContext | None = None) -> None:
        self.behind = behind
        self._tls = tls
        self.asked: list[Asked] = []
        self.fault: Fault = lambda _: None
        self._port = 0
        self._server: Listener | None = None
        self._ends = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listens."""
        self._ends.clear()
        self._server = Listener(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_address[1]
        if self._tls is not None:  # each handshake in the thread of its connection
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Stop listening: connections are refused from now on."""
        self._ends.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def hang(self, _: Asked) -> None:
        """Cause a fault: send nothing for as long as the front is up."""
        self._ends.wait()

    def count(self, method: str, path: str) -> int:
        """Return how often this was requested."""
        return sum(asked.method == method and asked.path == path for asked in self.asked)

    def listings_since(self, start: int = 0) -> int:
        """Return how often all models were requested, after that many requests."""
        return sum(asked.path == MODELS and asked.query.get("limit") != "1" for asked in self.asked[start:])

    def _handler(front) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def answer(self) -> None:
                address = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(address.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, address.path, query, body)
                front.asked.append(asked)
                said = front.fault(asked)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.say(said or front.passed_on(self.command, self.path, dict(self.headers), body))

            def say(self, said: Said) -> None:
                body = said.body.encode() if isinstance(said.body, str) else said.body
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        return Handler

    def passed_on(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Said:
        """Return the model server's response."""
        kept = {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
        answer = loopback.request(method, self.behind.url + target, headers=kept, content=body)
        named = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        return Said(answer.status_code, answer.content, named)


@contextlib.contextmanager
def front_of(behind: ModelServerProcess) -> Iterator[Front]:
    """Run a front."""
    front = Front(behind)
    front.up()
    yield front
    front.down()
