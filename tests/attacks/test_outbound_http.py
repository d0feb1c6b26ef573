"""Servers named by tenants: whatever they answer, the operator stays small, healthy and useful to others."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.attacks.test_memory import LIMIT_MEGABYTES, peak
from tests.integration import manifests
from tests.integration.manifests import environment
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space

RASA_PORT = 5005
PATIENCE = 240.0
PODS = 100
PAGE_SECONDS = 8.0
"""Less than the operator waits for one answer."""

pytestmark = pytest.mark.timeout(900)


class Handler(BaseHTTPRequestHandler):
    """Answers with its `respond` until the other side hangs up."""

    protocol_version = "HTTP/1.1"
    respond: Callable[[Handler], None]

    def do_GET(self) -> None:
        with contextlib.suppress(OSError):
            type(self).respond(self)

    do_HEAD = do_GET  # noqa: N815 - as the library calls it

    def say(self, body: bytes, **headers: str) -> None:
        """Return a complete response."""
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def listening(
    respond: Callable[[Handler], None], addresses: Iterable[str] = ("127.0.0.1",), port: int = 0
) -> Iterator[str]:
    """Answer at these addresses, and return the URL of the first."""
    kind = type("Answering", (Handler,), {"respond": staticmethod(respond)})
    servers = [ThreadingHTTPServer((address, port), kind) for address in addresses]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield f"http://{servers[0].server_address[0]!s}:{servers[0].server_address[1]}"
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def addresses(space: Space, count: int) -> list[str]:
    """Return the pods of the environment, once this many have an address."""

    def given() -> list[str]:
        found = [pod.get("status", {}).get("podIP") for pod in space.list("Pod")]
        return found if len(found) == count and all(found) else []

    return space.eventually(given, f"{count} pods to have an address", PATIENCE)


def with_reason(space: Space, kind: str, name: str, condition: str, *reasons: str) -> str:
    """Return the message of the condition once it has one of these reasons."""

    def message() -> str | None:
        found = space.condition(kind, name, condition)
        return str(found["message"]) if found and found["reason"] in reasons else None

    return space.eventually(message, f"{condition} of {name} to be {' or '.join(reasons)}", PATIENCE) or ""


def of_use(space: Space, operator: OperatorProcess) -> None:
    """Check that the operator is small and healthy, and still creates an environment for others."""
    space.apply(environment("later"))
    space.eventually(lambda: space.find_child("Deployment", "later"), "a Deployment of others", PATIENCE)
    assert operator.answer("/healthz").status_code == 200
    assert peak(operator) < LIMIT_MEGABYTES


@cache
def spaces_in_gzip_in_gzip() -> bytes:
    """Return a kilobyte on the wire that decompresses to 300 MB."""
    return gzip.compress(gzip.compress(b" " * (300 << 20), 9), 9)


def bomb(it: Handler) -> None:
    """Gzip in gzip."""
    it.say(spaces_in_gzip_in_gzip(), Content_Encoding="gzip, gzip", Content_Type="application/json")


def large(it: Handler) -> None:
    """A status of 8 MiB."""
    it.say(b'{"model_file": "' + b"x" * (8 << 20) + b'"}')


@pytest.mark.parametrize(("respond", "pods"), [(bomb, 1), (large, PODS)], ids=["bomb", "large"])
def test_what_pods_answer_does_not_fill_the_memory(
    mortal: OperatorProcess,
    mortal_space: Space,
    respond: Callable[[Handler], None],
    pods: int,
) -> None:
    mortal.start()
    mortal_space.apply(environment("staging", replicas=pods))

    with listening(respond, addresses(mortal_space, pods), RASA_PORT):
        told = with_reason(mortal_space, ENVIRONMENT, "staging", "ModelServed", "UnexpectedAnswer")
        of_use(mortal_space, mortal)

    assert "is not read" in told or "64 KiB that are read" in told


def pages(it: Handler) -> None:
    """A listing whose pages never end."""
    offset = int(parse_qs(urlsplit(it.path).query).get("offset", ["0"])[0])
    rows = [{"model": f"m{offset + number}", "hash": "h" * 32, "more": "x" * 1000} for number in range(500)]
    it.say(json.dumps(rows).encode(), X_Total_Count="9" * 5000)


def endless(it: Handler) -> None:
    """A page that never ends."""
    it.send_response(200)
    it.send_header("Transfer-Encoding", "chunked")
    it.end_headers()
    while True:
        it.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def crumbs(it: Handler) -> None:
    """A page in chunks of a byte."""
    it.send_response(200)
    it.send_header("Transfer-Encoding", "chunked")
    it.end_headers()
    while True:
        it.wfile.write(b"1\r\n \r\n" * 10_000)


def many_values(it: Handler) -> None:
    """A page of 2 MiB that would take a gigabyte as objects."""
    it.say(b"[" + b"{}," * 690_000 + b"{}]")


def early_hints(it: Handler) -> None:
    """Informational responses, and never another."""
    while True:
        it.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1000)


@pytest.mark.parametrize("respond", [pages, endless, crumbs, many_values, early_hints, bomb])
def test_what_model_servers_answer_does_not_fill_the_memory(
    mortal: OperatorProcess,
    mortal_space: Space,
    respond: Callable[[Handler], None],
) -> None:
    mortal.start()
    with listening(respond) as url:
        names = [f"hostile-{number}" for number in range(30)]
        mortal_space.apply(*(manifests.model_server(url, name) for name in names))
        for name in names:
            with_reason(mortal_space, "ModelServer", name, "Ready", "UnexpectedAnswer", "ModelServerUnreachable")
        of_use(mortal_space, mortal)


def test_slow_pages_do_not_hold_the_operator_up(mortal: OperatorProcess, mortal_space: Space) -> None:
    told = threading.Event()

    def slow_pages(it: Handler) -> None:
        """Pages that each come within their time, and of which there are very many."""
        told.wait(PAGE_SECONDS)
        pages(it)

    mortal.start()
    with listening(slow_pages) as url:
        mortal_space.apply(manifests.model_server(url, "slow"))
        message = with_reason(mortal_space, "ModelServer", "slow", "Ready", "ModelServerUnreachable")
        told.set()
        of_use(mortal_space, mortal)

    assert "has not listed its models within 50 s" in message
