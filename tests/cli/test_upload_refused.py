"""`upload` with something in front of the model server, or a Rasa X that cannot accept a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .conftest import Team
from .model_servers import model_file
from .test_upload import prepare

NGINX = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</html>"
JSON, HTML = "application/json", "text/html"


class Server(ThreadingHTTPServer):
    """Answers an upload as the test says, and everything else as a Rasa X without environments."""

    upload: tuple[int, str, str] = (204, JSON, "")

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Empty lists, and the version of a Rasa X that knows no environment."""
        path = self.path.split("?")[0]
        texts = {"/api/version": '{"rasa": {}, "rasa-x": "1.1.2"}', "/api/health": "{}"}
        self._say(200, JSON, texts.get(path, "[]"))

    def do_POST(self) -> None:
        """The upload."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(*self.server.upload)

    def _say(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """The server."""
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((413, HTML, NGINX.format("413 Request Entity Too Large")), "nginx.ingress.kubernetes.io/proxy-body-size"),
        ((504, HTML, NGINX.format("504 Gateway Time-out")), "raise the proxy's time-out (nginx: proxy_read_timeout"),
        ((502, HTML, NGINX.format("502 Bad Gateway")), "a proxy before it gets no answer from it"),
        ((200, HTML, '<html><input type="password"></html>'), "answers with a login page instead of taking the upload"),
        (
            (500, JSON, '{"reason": "InternalError"}'),
            "no environment production is registered with it, and Rasa X asks",
        ),
    ],
    ids=["413", "504", "502", "login page", "no production"],
)
def test_it_says_what_stands_in_the_way(
    team: Team, server: Server, tmp_path: Path, answer: tuple[int, str, str], said: str
) -> None:
    prepare(team, server.url, apiToken="write")
    server.upload = answer

    ran = team.run(f"upload {model_file(tmp_path, 'model')}")

    assert ran.exit_code != 0
    assert said in ran.errors
    assert "is uploaded" not in ran.output
