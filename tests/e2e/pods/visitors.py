"""Three visitors who chat with one Rasa server all the time: runs in a pod, and prints results twice a second.

One opens a connection for each message; one keeps its connection for two seconds, as pools and proxies with a maximum
age do; one never closes it. A message counts as answered only if the response is 200 and has a text. SIGTERM ends the
chat, with a last line.
"""

import json
import math
import signal
import sys
import threading
import time
from collections import Counter
from types import FrameType

import httpx

PAUSE_SECONDS = 0.1
TIMEOUT_SECONDS = 30.0
VISITORS = {"new-connections": 0.0, "renewed-connection": 2.0, "lasting-connection": math.inf}
"""How many seconds each keeps a connection."""


class Visitor:
    """One visitor, and the results of its messages."""

    def __init__(self, name: str, url: str, keeps_seconds: float) -> None:
        self.name = name
        self.answers = Counter[str]()
        self.last = ""
        self.failures: list[str] = []
        self.longest_gap = 0.0
        """Seconds from one answer to the next, at most."""
        self._answered: float | None = None
        self._url = f"{url}/webhooks/rest/webhook"
        self._keeps_seconds = keeps_seconds
        self._connected = -math.inf
        self._client = self._connect()

    def talk(self, ends: threading.Event) -> None:
        """Says hello until the end."""
        while not ends.wait(PAUSE_SECONDS):
            begun = time.monotonic()
            try:
                self._count(self._say_hello())
            except Exception as error:  # noqa: BLE001 - whatever it is, the message was not answered
                took = time.monotonic() - begun
                self.failures.append(f"{time.strftime('%H:%M:%S')} after {took:.3f} s: {type(error).__name__}: {error}")

    def _count(self, answer: str) -> None:
        now = time.monotonic()
        if self._answered is not None:
            self.longest_gap = max(self.longest_gap, now - self._answered)
        self._answered, self.last = now, answer
        self.answers[answer] += 1

    @staticmethod
    def _connect() -> httpx.Client:
        return httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, verify=False)

    def _say_hello(self) -> str:
        if time.monotonic() - self._connected > self._keeps_seconds:
            self._client.close()
            self._client, self._connected = self._connect(), time.monotonic()
        answer = self._client.post(self._url, json={"sender": self.name, "message": "hello"})
        answer.raise_for_status()
        texts = [str(said["text"]) for said in answer.json()]
        if not texts:
            raise ValueError("the answer has no text")
        return " ".join(texts)

    def report(self) -> dict[str, object]:
        """Return the results so far."""
        return {
            "answers": dict(self.answers),
            "last": self.last,
            "failures": list(self.failures),
            "longest_gap": self.longest_gap,
        }


def main(url: str) -> None:
    """Talks until SIGTERM."""
    ends = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ends.set()

    signal.signal(signal.SIGTERM, end)
    visitors = [Visitor(name, url, keeps_seconds) for name, keeps_seconds in VISITORS.items()]
    threads = [threading.Thread(target=visitor.talk, args=(ends,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    while not ends.wait(0.5):
        print(json.dumps({visitor.name: visitor.report() for visitor in visitors}), flush=True)
    for thread in threads:
        thread.join()
    print(json.dumps({visitor.name: visitor.report() for visitor in visitors}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
