"""Single requests from a pod of the cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rasa_environments.api.base import JsonObject
from tests.api.api_server import Answer
from tests.e2e.cluster import Cluster
from tests.e2e.visitors import restricted_pod
from tests.integration.space import Objects

NAME = "caller"


@dataclass(frozen=True)
class Caller:
    """A pod that sends requests like clients in the cluster."""

    cluster: Cluster
    lounge: Objects

    def start(self) -> None:
        """Create the pod, and wait until it runs."""
        self.lounge.apply(restricted_pod(NAME, ["python", "-c", "import signal; signal.pause()"]))
        self.lounge.eventually(lambda: self._phase() == "Running", f"pod {NAME} to run")

    def restart(self) -> None:
        """Recreate it, whatever its state."""
        self.lounge.delete("Pod", NAME)
        self.lounge.eventually(lambda: self.lounge.find("Pod", NAME) is None, f"pod {NAME} to be gone")
        self.start()

    def _phase(self) -> str:
        return str(self.lounge.get("Pod", NAME)["status"]["phase"])

    def request(self, method: str, url: str, *, params: JsonObject | None = None, json_body: object = None) -> Answer:
        """Return the response; its status is 0 if there was none."""
        given = {"method": method, "url": url, "params": params or {}, "json": json_body}
        command = ["exec", "--stdin", "--namespace", self.lounge.namespace, NAME, "--", "python", "-c"]
        said = json.loads(self.cluster.kubectl(*command, self.cluster.script("request"), given=json.dumps(given)))
        return Answer(said["status"], said["body"])

    def says(self, url: str, text: str = "hello", sender: str = "caller") -> str:
        """Return what the bot at the address answers to a message."""
        message = {"sender": sender, "message": text}
        answer = self.request("POST", f"{url}/webhooks/rest/webhook", json_body=message)
        assert answer.status == 200, answer
        said: Any = answer.body
        return " ".join(str(message["text"]) for message in said)

    def tracker(self, url: str, token: str, sender: str) -> list[tuple[str, str]]:
        """Return who said what in a conversation, in order."""
        answer = self.request("GET", f"{url}/conversations/{sender}/tracker", params={"token": token})
        assert answer.status == 200, answer
        return [(event["event"], event["text"]) for event in answer.body["events"] if event["event"] in ("user", "bot")]
