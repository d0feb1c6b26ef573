"""A namespace with real pods, and steps for environments whose Rasa servers run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from local.installation import NAMESPACE as RELEASE_NAMESPACE
from rasa_environments.api.base import JsonObject
from tests.e2e.cluster import Cluster
from tests.integration import manifests
from tests.integration.space import ENVIRONMENT, Objects

SERVER = {"name": "default", "namespace": RELEASE_NAMESPACE}
TAG = "ModelTag"
SECONDS = 120.0
"""Time limit for pods of Rasa: they start in 10 seconds on an idle machine."""


def environment(name: str, **spec: Any) -> JsonObject:
    """An environment that pulls from the release's model server."""
    return manifests.environment(name, modelServerRef=SERVER, **spec)


def model_tag(name: str, **spec: Any) -> JsonObject:
    """A tag on the release's model server."""
    return manifests.model_tag(name, modelServerRef=SERVER, **spec)


@dataclass(frozen=True)
class Life:
    """Distinguishes a pod from its successor, and a container from its predecessor."""

    pod: str
    uid: str
    restarts: int


@dataclass(frozen=True)
class PodSpace(Objects):
    """A namespace whose pods run on a real node."""

    cluster: Cluster

    @property
    def patience(self) -> float:
        """Time limit for waiting, in seconds."""
        return SECONDS

    def wait_until_gone(self, kind: str, name: str) -> None:
        """Wait until there is no such object."""
        self.eventually(lambda: self.find(kind, name) is None, f"{kind} {name} to be gone")

    def remove_namespace(self) -> None:
        """Delete everything, without waiting for the end."""
        self.api.request("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def pods(self, name: str) -> list[JsonObject]:
        """The pods of an environment that are not being ended."""
        selector = f"app.kubernetes.io/name=rasa,app.kubernetes.io/instance={name}"
        found = self.api.request("GET", self.path("Pod"), params={"labelSelector": selector}).body["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def lives(self, name: str) -> list[Life]:
        """Return the pods of an environment, and how often their containers were restarted."""
        return [
            Life(
                pod["metadata"]["name"],
                pod["metadata"]["uid"],
                sum(container["restartCount"] for container in pod["status"].get("containerStatuses", ())),
            )
            for pod in self.pods(name)
        ]

    def url(self, name: str) -> str:
        """Where the status says that the Rasa server is: its Service, by DNS."""
        return str(self.status(ENVIRONMENT, name)["url"])

    def start(self, name: str, wanted: str, **spec: Any) -> None:
        """Given: the environment is Ready with the model, of which the operator has asked its pods."""
        self.apply(model_tag(name, model=wanted), environment(name, **spec))
        self.wait_until_served(name, wanted)

    def wait_until_served(self, name: str, model: str, pods: int = 1) -> None:
        """Wait until all pods of the environment have reported to the operator that they serve the model."""
        message = f"{pods} of {pods} ready pods serve {model}"
        self.wait_for_condition(ENVIRONMENT, name, "ModelServed", status="True", reason="Served", message=message)
        self.wait_for_condition(ENVIRONMENT, name, "Ready", status="True")

    def command(self, *words: str, code: int = 0) -> str:
        """Return the output of `rasa-environments <words>`, which ends with that code, as the administrator."""
        where = ["--kubeconfig", str(self.cluster.kubeconfig), "--namespace", self.namespace]
        command = [sys.executable, "-m", "rasa_environments", *words, *where]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert result.returncode == code, f"{' '.join(words)}: {result.stdout}{result.stderr}\n{self.described()}"
        return result.stdout

    def logs(self) -> str:
        """What all pods of the namespace have logged."""
        return "\n".join(self.cluster.log(self.namespace, pod["metadata"]["name"]) for pod in self.list("Pod"))
