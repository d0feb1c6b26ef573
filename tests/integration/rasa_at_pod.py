"""A server at a simulated pod's own address that answers /status as a test says, where real Rasa would not."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.integration.space import Space

PORT = 5005


class ScriptedRasa:
    """The pod's answers, which may be changed while it runs."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.model: str | None = None
        self.version: dict[str, object] = {"version": "3.6.21", "minimum_compatible_version": "3.5.0"}
        self.license_expires: str | None = None
        """Of Rasa Pro: when the licence expires."""
        self.arrived = 0
        """Requests that came, whether they were answered or not."""
        self.asked = 0
        self.free = threading.Event()
        """Set while it answers; a server that loads a model lets everybody wait."""
        self.free.set()

    def answer(self, path: str, token: str) -> tuple[int, dict[str, object]]:
        """Status and body of `GET /version` and `GET /status`, as Rasa 3.6 has them, and `GET /license` of Rasa Pro."""
        if path == "/version":
            return 200, self.version
        if path == "/license" and self.license_expires is not None:
            return 200, {"id": "1", "company": "C", "scope": "rasa:pro", "email": "e", "expires": self.license_expires}
        self.asked += 1
        if token != self.token:
            return 401, {"status": "failure", "message": "User is not authenticated.", "reason": "NotAuthenticated"}
        if self.model is None:
            return 409, {"status": "failure", "message": "No agent loaded.", "reason": "Conflict"}
        return 200, {"model_file": f"{self.model}.tar.gz", "model_id": "0123", "num_active_training_jobs": 0}


def pod_address(space: Space, environment: str = "production") -> str:
    """The address of the environment's only pod, once it has one."""

    def addresses() -> list[str]:
        pods = [
            pod
            for pod in space.list("Pod")
            if pod["metadata"]["labels"].get("app.kubernetes.io/instance") == environment
        ]
        return [pod["status"]["podIP"] for pod in pods if pod.get("status", {}).get("podIP")]

    return space.eventually(addresses, f"the pod of {environment} to have an address")[0]


@contextlib.contextmanager
def scripted_rasa(space: Space, environment: str = "production") -> Iterator[ScriptedRasa]:
    """Serve at the address of the environment's pod, with the environment's token, and without a model at first."""
    with listening_rasa(pod_address(space, environment), space.token(environment)) as rasa:
        yield rasa


@contextlib.contextmanager
def listening_rasa(address: str, token: str) -> Iterator[ScriptedRasa]:
    """Serve at an address, without a model at first."""
    rasa = ScriptedRasa(token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            rasa.arrived += 1
            rasa.free.wait()
            status, body = rasa.answer(asked.path, parse_qs(asked.query).get("token", [""])[0])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer((address, PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield rasa
        rasa.free.set()
        server.shutdown()
