"""A visitor who chats with production through Rasa Enterprise without pause, and records the results."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests import loopback
from tests.integration.model_server_process import API_TOKEN


@dataclass(frozen=True)
class Chat:
    """One message; the times are of `time.monotonic`."""

    begun: float
    ended: float
    answer: str | None
    """The assistant's answer; None if the message failed."""
    problem: str = ""


@dataclass
class Chats:
    """All messages until now."""

    said: list[Chat] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many were answered."""
        return sum(chat.answer is not None for chat in self.said)

    @property
    def failed(self) -> list[Chat]:
        """Those that were not answered."""
        return [chat for chat in self.said if chat.answer is None]

    def answered_since(self, moment: float) -> int:
        """Return how many messages sent after a moment were answered."""
        return sum(chat.answer is not None and chat.begun > moment for chat in self.said)


@contextlib.contextmanager
def chatting(server: str) -> Iterator[Chats]:
    """Let somebody chat all the time."""
    chats, ends = Chats(), threading.Event()
    visitor = threading.Thread(target=_talk, args=(server, chats, ends), daemon=True)
    visitor.start()
    try:
        yield chats
    finally:
        ends.set()
        visitor.join(timeout=60)


def _talk(server: str, chats: Chats, ends: threading.Event) -> None:
    url = f"{server}/api/conversations/visitor/messages"
    with loopback.client(params={"api_token": API_TOKEN}, timeout=60) as client:
        while not ends.is_set():
            begun = time.monotonic()
            answer = client.post(url, json={"message": "hello"})
            ended = time.monotonic()
            if answer.is_success:
                text = " ".join(said["text"] for said in answer.json())
                chats.said.append(Chat(begun, ended, text))
            else:
                chats.said.append(Chat(begun, ended, None, answer.text))
