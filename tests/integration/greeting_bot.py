"""A bot at the address of every simulated pod, for candidates: it greets, and counts what it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = "Hello."


@dataclass
class Bot:
    """The port at which the bot listens, and the messages that it has answered."""

    port: int
    heard: list[str] = field(default_factory=list)


@contextmanager
def greeting_bot() -> Iterator[Bot]:
    """Answer messages on the channel REST; to anything else, the connection ends without an answer, as without Rasa."""
    bot = Bot(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bot.heard.append(str(message["message"]))
            body = json.dumps([{"recipient_id": message["sender"], "text": GREETING}]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("0.0.0.0", 0), Handler) as server:
        bot.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield bot
        server.shutdown()
