"""A bot at the address of every simulated pod: it greets, and counts what it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from rasa_environments.api.base import JsonObject

GREETING = "Hello."


@dataclass
class Bot:
    """The port at which the bot listens, and what it has answered."""

    port: int
    heard: list[str] = field(default_factory=list)
    """Messages."""
    kept: list[str] = field(default_factory=list)
    """Senders whose conversations were not deleted."""
    model: Callable[[], str | None] | None = None
    """Returns the model that it has loaded; without it, the bot does not say."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Its answer with each of these models, instead of the greeting."""

    def answer(self, message: JsonObject) -> list[JsonObject]:
        """Answer a message on the channel REST."""
        self.heard.append(str(message["message"]))
        self.kept.append(str(message["sender"]))
        model = None if self.model is None else self.model()
        return [{"recipient_id": message["sender"], "text": self.answers.get(model or "", GREETING)}]

    def status(self) -> JsonObject | None:
        """Answer the question for its model, as Rasa 3 does; None ends the connection, as without Rasa."""
        model = None if self.model is None else self.model()
        return None if model is None else {"model_file": f"{model}.tar.gz", "num_active_training_jobs": 0}


@contextmanager
def greeting_bot() -> Iterator[Bot]:
    """Answer messages on the channel REST and, if the bot says its model, what it has loaded."""
    bot = Bot(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.answer(bot.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def do_GET(self) -> None:
            status = bot.status() if urlsplit(self.path).path == "/status" else None
            if status is None:
                self.close_connection = True
            else:
                self.answer(status)

        def do_DELETE(self) -> None:
            sender = urlsplit(self.path).path.split("/")[2]  # /conversations/{sender}/tracker
            bot.kept = [each for each in bot.kept if each != sender]
            self.answer({})

        def answer(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("0.0.0.0", 0), Handler) as server:
        bot.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield bot
        server.shutdown()
