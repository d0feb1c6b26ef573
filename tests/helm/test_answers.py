"""`helm test`: what its pod requests, and how its program reacts to the responses."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from tests.helm.rendering import RELEASE, render

METRICS = f"http://{RELEASE}-metrics:8080/readyz"
MODEL_SERVER = f"http://{RELEASE}-model-server:5002/readyz"
POD = f"{RELEASE}-test"


def container(values: dict[str, Any] | None = None) -> JsonObject:
    """The container of the pod of `helm test`."""
    (found,) = render(values).one("Pod", POD)["spec"]["containers"]
    return dict(found)


def test_it_asks_the_operator_and_where_there_is_one_the_model_server() -> None:
    assert container()["args"][2:] == [METRICS]
    server = {"modelServer": {"enabled": True, "tokens": {"existingSecret": "tokens"}}}
    assert container(server)["args"][2:] == [METRICS, MODEL_SERVER]
    alone = {"operator": {"enabled": False}, **server}
    assert container(alone)["args"][2:] == [MODEL_SERVER]


def test_its_pod_is_of_the_same_image_meets_the_restricted_level_and_goes_when_it_is_done() -> None:
    release = render()
    pod = release.one("Pod", POD)

    assert container()["image"] == release.container()["image"]
    assert container()["securityContext"] == release.container()["securityContext"]
    assert pod["spec"]["securityContext"] == release.pod()["securityContext"]
    assert pod["metadata"]["annotations"] == {
        "helm.sh/hook": "test",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }


@contextmanager
def answering(*statuses: int) -> Iterator[str]:
    """Serve these statuses, repeating the last; yield the address."""
    remaining = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(remaining.pop(0) if len(remaining) > 1 else remaining[0])
            self.end_headers()
            self.wfile.write(b"waits for ModelTag")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/readyz"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_in_the_pod(*addresses: str, seconds: str = "60.0") -> subprocess.CompletedProcess[str]:
    """Run the pod's program as its container does, with this time limit."""
    (flag, program), command = container()["args"][:2], container()["command"]
    assert command == ["python"]
    patient = program.replace("SECONDS = 60.0", f"SECONDS = {seconds}")
    return subprocess.run([sys.executable, flag, patient, *addresses], capture_output=True, text=True, check=False)


def test_it_passes_once_every_address_answers() -> None:
    with answering(200) as ready, answering(503, 200) as soon:
        ran = run_in_the_pod(ready, soon)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{ready}: 200\n{soon}: 200\n", "")


def test_it_fails_with_what_an_address_says_is_missing() -> None:
    with answering(503) as never:
        ran = run_in_the_pod(never, seconds="0.0")

    assert (ran.returncode, ran.stdout) == (1, f"{never}: 503 waits for ModelTag\n")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/readyz"])
def test_it_fails_where_nobody_listens(address: str) -> None:
    ran = run_in_the_pod(address, seconds="0.0")

    assert ran.returncode == 1
    assert "Connection refused" in ran.stdout
