"""Visitors in a pod who chat with an environment during a test, and the results of their messages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.images import OPERATOR_IMAGE
from rasa_environments.api.base import JsonObject
from tests.e2e.cluster import Cluster
from tests.integration.space import Objects

NAMESPACE = "visitors"
LASTING = "lasting-connection"
SENDERS = ("new-connections", "renewed-connection", LASTING)
"""The visitors, by which the server keeps their conversations apart."""
END = "import os, signal; os.kill(1, signal.SIGTERM)"


def restricted_pod(name: str, command: Sequence[str], namespace: str = NAMESPACE) -> JsonObject:
    """A pod with the operator's image, whose Python has httpx, and that the level `restricted` allows."""
    container = {
        "name": "python",
        "image": OPERATOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    }


@dataclass
class Talk:
    """The results of the messages, so far or in total."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[str]] = field(default_factory=dict)
    """By visitor: when, after how long, and what went wrong."""
    last: dict[str, str] = field(default_factory=dict)
    """By visitor: the last answer."""
    longest_gap: float = 0.0
    """Seconds that one of them waited from one answer to the next, at most."""

    @classmethod
    def of(cls, line: str) -> Talk:
        """What a line of the log says."""
        report: JsonObject = json.loads(line)
        talk = cls()
        for visitor, said in report.items():
            talk.answers.update(said["answers"])
            talk.failures[visitor] = said["failures"]
            talk.last[visitor] = said["last"]
            talk.longest_gap = max(talk.longest_gap, said["longest_gap"])
        return talk

    @property
    def failed(self) -> list[str]:
        """Failures of visitors who reconnect now and then."""
        others = {visitor: failures for visitor, failures in self.failures.items() if visitor != LASTING}
        return [f"{visitor}: {failure}" for visitor, failures in others.items() for failure in failures]

    @property
    def cut_off(self) -> list[str]:
        """Failures of the visitor who never reconnects: Rasa closes a connection even if a request is on its way."""
        return self.failures[LASTING]

    def summary(self, what: str) -> str:
        """For the report at the end of a run."""
        count = self.answers.total()
        failed = sum(map(len, self.failures.values()))
        by_visitor = ", ".join(f"{len(failures)} of {visitor}" for visitor, failures in self.failures.items())
        gap = f"longest time between two answers {self.longest_gap:.1f} s"
        return f"{what}: {count + failed} requests, {failed} failed ({by_visitor}), {gap}"


@dataclass(frozen=True)
class Visitors:
    """Those who have begun to talk."""

    space: Objects
    cluster: Cluster
    name: str

    def heard(self) -> Talk:
        """What came of it until now."""
        lines = self.cluster.kubectl("logs", "--namespace", NAMESPACE, "--tail=1", self.name).splitlines()
        return Talk.of(lines[-1]) if lines else Talk()

    def wait_for_answers(self, more: int = 20) -> None:
        """Wait until this many more messages have been answered."""
        goal = self.heard().answers.total() + more
        self.space.eventually(lambda: self.heard().answers.total() >= goal, f"{more} more answers to {self.name}")

    def wait_until_all_hear(self, answer: str) -> None:
        """Wait until the last answer to each of them is this one."""
        self.space.eventually(
            lambda: set(self.heard().last.values()) == {answer}, f"{self.name} to hear {answer!r}; they hear it not"
        )

    def end(self) -> Talk:
        """End the chat, and return all results."""
        self.cluster.kubectl("exec", "--namespace", NAMESPACE, self.name, "--", "python", "-c", END)
        self.space.eventually(lambda: self._phase() == "Succeeded", f"pod {self.name} to end")
        return self.heard()

    def _phase(self) -> str:
        return str(self.space.get("Pod", self.name)["status"]["phase"])


@contextmanager
def visitors(lounge: Objects, cluster: Cluster, name: str, url: str) -> Iterator[Visitors]:
    """Let them chat with the server at the address, at most until the block ends."""
    lounge.apply(restricted_pod(name, ["python", "-c", cluster.script("visitors"), url]))
    try:
        talking = Visitors(lounge, cluster, name)
        lounge.eventually(lambda: talking._phase() == "Running", f"pod {name} to run")
        talking.wait_for_answers()
        yield talking
    finally:
        lounge.delete("Pod", name)
