"""A server of plain files in place of a model server: ETag and Last-Modified, no header `filename`, no API."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PlainFiles:
    """Files by path, which may be changed at any time, and how often each was downloaded completely."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.downloads: dict[tuple[str, str], int] = {}
        """By path and User-Agent: answers to GET with a body."""

    def etag(self, path: str) -> str:
        """Return the hash of a file as in its ETag, without the quotes."""
        return hashlib.md5(self.files[path], usedforsecurity=False).hexdigest()

    def downloaded_by(self, agent: str, path: str) -> int:
        """Return how often the client with this User-Agent has downloaded the file."""
        return sum(count for (file, who), count in self.downloads.items() if file == path and who.startswith(agent))


@contextlib.contextmanager
def plain_files() -> Iterator[PlainFiles]:
    """One that listens on loopback."""
    held = PlainFiles()
    with Listener(held) as server:
        held.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield held
        server.shutdown()


class Listener(ThreadingHTTPServer):
    """The server, with its files."""

    def __init__(self, held: PlainFiles) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.held = held


class Handler(BaseHTTPRequestHandler):
    """Answers as nginx does for a directory of files."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def do_GET(self) -> None:
        """Send the file, or a 304 if the client has it already."""
        held, path = self.server.held, self.path.split("?")[0]
        content = held.files.get(path)
        if content is None:
            self._send(404, b"<html>404 Not Found</html>", "text/html")
            return
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self._send(304, b"", "application/octet-stream", etag)
            return
        if self.command == "GET":
            who = (path, self.headers.get("User-Agent", ""))
            held.downloads[who] = held.downloads.get(who, 0) + 1
        self._send(200, content, "application/octet-stream", etag)

    def do_HEAD(self) -> None:
        """The same without its body."""
        self.do_GET()

    def _send(self, status: int, body: bytes, kind: str, etag: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        if etag is not None:
            self.send_header("ETag", etag)
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
