"""The readiness probe, run as the kubelet runs it, against a Rasa server and a model server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest

from rasa_environments.api.base import JsonObject
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import JWT, container

TOKEN, PULL_TOKEN = "the-token-41d8", "pull & token-e29b"
TAGS = "/api/projects/default/models/tags/"
Answer: TypeAlias = tuple[int, JsonObject]
NO_MODEL_OF_3_X: Answer = (409, {"reason": "NoAgent"})
NO_MODEL_OF_1_X: Answer = (200, {"model_file": None, "fingerprint": {}})
A_MODEL: Answer = (200, {"model_file": "/app/models/20260101-120000.tar.gz"})


@dataclass
class Peers:
    """A Rasa server and a model server on one port."""

    port: int = 0
    status: Answer = A_MODEL
    tag: int = 404
    """What the model server answers to a pull."""
    pulls: list[tuple[str, str | None]] = field(default_factory=list)
    """Method and If-None-Match of each pull."""


@pytest.fixture
def peers() -> Iterator[Peers]:
    """Both, listening."""
    state = Peers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """`GET /status` of the Rasa server."""
            url = urlsplit(self.path)
            status, body = state.status if parse_qs(url.query) == {"token": [TOKEN]} else (401, {})
            self._answer(status if url.path == "/status" else 500, json.dumps(body).encode())

        def do_HEAD(self) -> None:
            """The pull of a tag, without the model."""
            url = urlsplit(self.path)
            state.pulls.append((self.command, self.headers["If-None-Match"]))
            allowed = parse_qs(url.query) == {"token": [PULL_TOKEN]}
            self._answer((state.tag if allowed else 401) if url.path.startswith(TAGS) else 500, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: the tests record the requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def probe(
    peers: Peers, *, profile: str = "RasaX-0.2", name: str = "production", token: str = TOKEN, port: int | None = None
) -> tuple[int, str]:
    """Return exit code and output of the environment's readiness probe."""
    version = "1.10.26" if profile.startswith("RasaX") else "3.6.21"
    server = {"profile": profile, "url": f"http://127.0.0.1:{peers.port}"}
    spec = {"rasa": {"version": version, "port": port or peers.port}}
    made = container(children_by_kind(context(spec, name=name, server=server, secret_values=JWT)))
    variables = {entry["name"]: entry["value"] for entry in made["env"] if "value" in entry}
    # A proxy that nobody listens at: neither Rasa nor its probe asks one for its peers.
    variables |= {"RASA_TOKEN": token, "RASA_X_TOKEN": PULL_TOKEN, "http_proxy": "http://127.0.0.1:9"}
    _, *arguments = made["readinessProbe"]["exec"]["command"]
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.strip()


READY = (0, "")
NO_MODEL = (1, "no model is loaded")
X_PROFILES = ("RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0")


@pytest.mark.parametrize("profile", X_PROFILES)
@pytest.mark.parametrize("name", ["production", "worker"])
def test_production_and_worker_are_ready_while_no_model_is_meant_for_them(
    peers: Peers, profile: str, name: str
) -> None:
    peers.status, peers.tag = NO_MODEL_OF_3_X if profile == "RasaEnterprise-1.0" else NO_MODEL_OF_1_X, 404

    assert probe(peers, profile=profile, name=name) == READY
    assert peers.pulls == [("HEAD", "none")]


@pytest.mark.parametrize("tag", [200, 204, 401, 500])
def test_a_production_that_has_not_loaded_its_model_or_cannot_ask_for_it_is_not_ready(peers: Peers, tag: int) -> None:
    peers.status, peers.tag = NO_MODEL_OF_1_X, tag

    assert probe(peers) == NO_MODEL


@pytest.mark.parametrize(("profile", "name"), [("RasaX-0.2", "production"), ("OpenSource", "staging")])
def test_who_serves_a_model_is_ready_and_asks_nobody_else(peers: Peers, profile: str, name: str) -> None:
    peers.status = A_MODEL

    assert probe(peers, profile=profile, name=name) == READY
    assert peers.pulls == []


@pytest.mark.parametrize(("profile", "name"), [("OpenSource", "production"), ("RasaX-0.2", "staging")])
@pytest.mark.parametrize("status", [NO_MODEL_OF_1_X, NO_MODEL_OF_3_X], ids=["1.x", "3.x"])
def test_any_other_environment_without_a_model_is_not_ready(
    peers: Peers, profile: str, name: str, status: Answer
) -> None:
    peers.status, peers.tag = status, 404

    assert probe(peers, profile=profile, name=name) == NO_MODEL
    assert peers.pulls == []


@pytest.mark.parametrize("name", ["production", "staging"])
def test_a_wrong_token_is_not_ready_and_is_not_shown(peers: Peers, name: str) -> None:
    assert probe(peers, name=name, token="another-token-90ab") == (1, "/status answers 401")


@pytest.mark.parametrize("name", ["production", "staging"])
def test_a_server_that_does_not_answer_is_not_ready(peers: Peers, name: str) -> None:
    code, words = probe(peers, name=name, port=9)

    assert code == 1
    assert words.startswith("the Rasa server does not answer: ")


def test_a_model_server_that_does_not_answer_says_nothing_about_what_is_meant(peers: Peers) -> None:
    peers.status = NO_MODEL_OF_1_X
    silent = Peers(port=9)

    assert probe(silent, port=peers.port) == NO_MODEL


@pytest.mark.parametrize("name", ["production", "staging"])
def test_where_no_model_is_required_the_port_is_enough(name: str) -> None:
    spec = {"rasa": {"version": "1.10.26"}, "model": {"required": False}}

    made = children_by_kind(context(spec, name=name, server={"profile": "RasaX-0.2"}, secret_values=JWT))

    assert container(made)["readinessProbe"]["httpGet"] == {"path": "/", "port": "http"}
