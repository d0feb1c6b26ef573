"""A cluster in Docker, by kind (https://kind.sigs.k8s.io)."""

import shutil
import subprocess
from pathlib import Path

import yaml

from local.processes import ProcessFailedError
from local.progress import Progress, ticking

NAME = "rasa-environments"


class KindCluster:
    """The kind cluster `rasa-environments`, with its kubeconfig in `directory` instead of the user's own file."""

    def __init__(self, directory: Path, progress: Progress) -> None:
        self._progress = progress
        self._created = False
        self.kubeconfig = directory / "kubeconfig"
        self.audit_log: Path | None = None
        self.kubectl = Path(found) if (found := shutil.which("kubectl")) else None
        self.server = ""

    def start(self) -> None:
        """Create the cluster and wait until it is ready. Raises ProcessFailedError with kind's output."""
        if shutil.which("kind") is None:
            raise ProcessFailedError("CLUSTER=kind: there is no `kind` on PATH; install it, or use CLUSTER=local")
        if NAME in self._kind("get", "clusters").split():
            raise ProcessFailedError(f"a kind cluster {NAME} is there already: `kind delete cluster --name {NAME}`")
        self._created = True
        with ticking(self._progress, "creating a kind cluster", "created a kind cluster"):
            self._kind("create", "cluster", "--name", NAME, "--kubeconfig", str(self.kubeconfig), "--wait", "120s")
        self.server = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]

    def stop(self) -> None:
        """Delete the cluster, if this object created it."""
        if self._created:
            self._created = False
            self._kind("delete", "cluster", "--name", NAME, "--kubeconfig", str(self.kubeconfig))

    def _kind(self, *arguments: str) -> str:
        result = subprocess.run(["kind", *arguments], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise ProcessFailedError(f"`kind {' '.join(arguments)}` failed:\n{result.stderr.strip()}")
        return result.stdout
