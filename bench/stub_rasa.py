"""A Rasa server that pulls and tells what it serves, and does nothing else: it loads a model in no time."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

PORT = 5005
VERSION = "3.6.21"


class StubRasa:
    """What one pod serves: the model that carried the tag at its last pull."""

    def __init__(self, tag_url: str) -> None:
        self._tag_url = tag_url
        self._etag: str | None = None
        self._ended = threading.Event()
        self.model: str | None = None

    def pull(self) -> None:
        """Take the model of the tag, if it is another one than before."""
        headers = {} if self._etag is None else {"If-None-Match": self._etag}
        answer = httpx.get(self._tag_url, headers=headers, trust_env=False)
        if answer.status_code == 200:
            self._etag, self.model = answer.headers["ETag"], answer.headers["filename"].removesuffix(".tar.gz")

    def pull_every(self, seconds: float) -> None:
        """Pull until it is told to end."""
        while not self._ended.is_set():
            self.pull()
            self._ended.wait(seconds)

    def end(self) -> None:
        """Lets it pull no more."""
        self._ended.set()

    def answer(self, path: str) -> tuple[int, dict[str, object]]:
        """Status and body of `GET /version` and `GET /status`, as Rasa 3.6 has them."""
        if path == "/version":
            return 200, {"version": VERSION, "minimum_compatible_version": "3.5.0"}
        if self.model is None:
            return 409, {"status": "failure", "message": "No agent loaded.", "reason": "Conflict"}
        return 200, {"model_file": f"{self.model}.tar.gz", "model_id": "0", "num_active_training_jobs": 0}


@contextmanager
def stub_rasa(address: str, tag_url: str, pull_seconds: float) -> Iterator[StubRasa]:
    """Answers at the address of a simulated pod, and pulls, until the block ends."""
    rasa = StubRasa(tag_url)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = rasa.answer(urlsplit(self.path).path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer((address, PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        puller = threading.Thread(target=rasa.pull_every, args=(pull_seconds,), daemon=True)
        puller.start()
        try:
            yield rasa
        finally:
            rasa.end()
            puller.join()
            server.shutdown()
