"""The cluster of the end-to-end tests: created by pytest-kind, with Docker's kind or with a real local node."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_kind import KindCluster

from local.flavour import kind_is_usable
from local.installation import ROOT
from tests.api.api_server import ApiServer

OWN_KIND = ROOT / "local" / "bin" / "kind"
"""Implements kind's commands with a real node, without Docker."""

PODS = Path(__file__).parent / "pods"
"""Programs that run in pods."""


def kind_program() -> Path:
    """Return this machine's `kind` if it works, else the one of this project."""
    installed = shutil.which("kind")
    return Path(installed) if installed is not None and kind_is_usable() else OWN_KIND


@dataclass(frozen=True)
class Cluster:
    """A running cluster with the images in it."""

    kind: KindCluster
    api: ApiServer

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        path: Path = self.kind.kubeconfig_path
        return path

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """Return the output of kubectl; `given` is its standard input. Fails with its standard error."""
        try:
            said: str = self.kind.kubectl(*arguments, input=given, stderr=subprocess.PIPE)
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"`kubectl {' '.join(arguments)}` failed: {error.stderr.strip()}") from None
        return said

    def log(self, namespace: str, pod: str, *, previous: bool = False) -> str:
        """Return the logs of a pod's containers; empty if there is no container yet, or with `previous` was none."""
        options = ["--namespace", namespace, pod, "--all-containers", *(["--previous"] if previous else [])]
        try:
            return self.kubectl("logs", *options)
        except AssertionError:
            return ""

    @contextlib.contextmanager
    def forwarded(self, namespace: str, service: str, port: int) -> Iterator[str]:
        """The address at which a port of a Service is reached from outside the cluster."""
        command = [str(self.kind.kubectl_path), "port-forward", "--namespace", namespace, f"service/{service}"]
        variables = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        with subprocess.Popen([*command, f":{port}"], env=variables, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 5002
                assert "127.0.0.1:" in line, f"kubectl port-forward says {line!r}"
                yield f"http://{line.split()[2]}"
            finally:
                process.terminate()

    def script(self, name: str) -> str:
        """The text of a program in PODS."""
        return (PODS / f"{name}.py").read_text()
