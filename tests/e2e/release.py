"""The Helm release of the end-to-end tests: operator, model server on a volume, CRDs, policies."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.helm import CHART
from tests.e2e.cluster import Cluster
from tests.integration.manifests import RASA_VERSION
from tests.integration.space import Objects

NAME = "rasa-environments"
MODEL_SERVER = "rasa-environments-model-server"
NAMESPACES = (
    "in-place",
    "rolling",
    "rotation",
    "killed-operator",
    "restarted-node",
    "replicas",
    "deletion",
    "migration",
    "verification",
    "verification-job",
    "verification-live-job",
    "uninstallation",
)
"""Of the tests: one for each module, with environments that pull from the release's model server."""

VALUES = {
    "modelServer": {
        "enabled": True,
        "persistence": {"enabled": True, "size": "1Gi"},
        "spec": {"accessFrom": {"namespaces": list(NAMESPACES)}},
    },
    "defaults": {"rasa": {"version": RASA_VERSION}, "model": {"pullPeriodSeconds": 1}},
}
WAIT = ("--wait", "--timeout", "3m")
DEFINITIONS = ("deploymentenvironments", "modelservers", "modeltags")


@dataclass(frozen=True)
class Release(Objects):
    """The release, and the objects of its namespace."""

    cluster: Cluster
    program: Path
    directory: Path

    @property
    def patience(self) -> float:
        """How many seconds are waited for what is to come."""
        return 120.0

    def helm(self, *arguments: str) -> str:
        """Return the output of Helm. Fails with its standard error."""
        where = ["--namespace", self.namespace, "--kubeconfig", str(self.cluster.kubeconfig)]
        command = [str(self.program), *arguments, *where]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert result.returncode == 0, f"`helm {' '.join(arguments)}` failed: {result.stderr.strip()}"
        return result.stdout

    def install(self) -> None:
        """Install the release, or reuse an existing one."""
        values = self.directory / "values.yaml"
        values.write_text(yaml.safe_dump(VALUES))
        self.helm("upgrade", "--install", NAME, str(CHART), "--create-namespace", "--values", str(values), *WAIT)

    def uninstall(self) -> None:
        """Uninstall the release, and wait until its pods are gone."""
        self.helm("uninstall", NAME, *WAIT)
        self.eventually(lambda: not self.pods("operator") + self.pods("model-server"), "the release's pods to be gone")

    def are_definitions_there(self) -> bool:
        """Return whether the cluster serves the custom resources."""
        return self.api.request("GET", "/apis/rasa-environments.io/v1alpha1").accepted

    def pods(self, component: str) -> list[str]:
        """The names of the pods of `operator` or `model-server`."""
        selector = f"app.kubernetes.io/component={component}"
        answer = self.api.request("GET", self.path("Pod"), params={"labelSelector": selector})
        return [str(pod["metadata"]["name"]) for pod in answer.body["items"]]

    def logs(self) -> str:
        """Return the logs of operator and model server, including those from before a container's last restart."""
        pods = [*self.pods("operator"), *self.pods("model-server")]
        texts = [self.cluster.log(self.namespace, pod, previous=previous) for pod in pods for previous in (True, False)]
        return "\n".join(texts)
