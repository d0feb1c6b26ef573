"""Real Rasa in place of a simulated pod, and a conversation with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.processes import ProcessFailedError
from local.progress import Progress
from local.rasa import RasaProcess


@dataclass(frozen=True)
class Bot:
    """A running Rasa server."""

    process: RasaProcess

    def check(self) -> None:
        """Check that the server runs. Raises ProcessFailedError, with the tail of its log, if it has ended."""
        if not self.process.running:
            raise ProcessFailedError(f"Rasa ended by itself; its log ends:\n{self.process.log()}")

    def answer(self, message: str) -> str:
        """Return its answer to the message (Rasa's REST channel). Raises httpx.HTTPError."""
        asked = {"sender": "demonstration", "message": message}
        response = httpx.post(f"{self.process.url}/webhooks/rest/webhook", json=asked, timeout=60, trust_env=False)
        response.raise_for_status()
        return " ".join(said["text"] for said in response.json())

    def must_answer(self, message: str, expected: str, progress: Progress) -> None:
        """Show the message and the answer. Raises ProcessFailedError if the answer is not the expected one."""
        answer = self.answer(message)
        progress(f"   You: {message}\n   Bot: {answer}")
        if answer != expected:
            raise ProcessFailedError(f"the bot should have said {expected!r}")


@contextmanager
def bot_of(api: ApiServer, namespace: str, deployment: str, binaries: Path, progress: Progress) -> Iterator[Bot]:
    """Start Rasa from the Deployment, read back from the API server, at the address of its simulated pod."""
    pod, address = deployed_pod(api, namespace, deployment)
    progress(f"   Deployment {deployment} read back: {' '.join(pod.spec['containers'][0]['args'])}")
    with RasaProcess(binaries, pod, interface=address) as process:
        progress(f"   Rasa is started at {process.url}, the address of the pod; it takes about 20 s to listen")
        yield Bot(process)
