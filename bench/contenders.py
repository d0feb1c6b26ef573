"""Those who are measured, as processes: the operator, and the peer in Go."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from bench.cluster import BenchCluster
from bench.process_usage import Usage, usage_of
from local.demonstration.programs import LOOPBACK, program_environment, said
from local.processes import Child

START_SECONDS = 120.0
WORKERS = 16
NOT_SHIPPED = ("kubernetes_validate", "pykube", "rasa_chart_import")
"""Packages that kopf and the command line import where they find them; the operator's image has none of them."""
AS_SHIPPED = f"""
import sys
sys.modules.update(dict.fromkeys({NOT_SHIPPED}))
from rasa_environments.cli import main
main()
"""


@dataclass(frozen=True)
class Running:
    """A contender that is at work."""

    child: Child
    url: str | None = None
    """Where it tells how it is, if it does."""

    def usage(self) -> Usage:
        """Return what its process has used by now."""
        return usage_of(self.child.pid)


class Contender(Protocol):
    """Something that makes the children of environments."""

    @property
    def name(self) -> str:
        """What it is called in figures."""

    def running(self, cluster: BenchCluster) -> AbstractContextManager[Running]:
        """Run it until the block ends; it is at work when the block begins."""


@dataclass(frozen=True)
class Operator:
    """This project's operator with the settings that it has by default, for all namespaces or a chosen one."""

    namespace: str | None = None
    name: str = "ours"

    @contextmanager
    def running(self, cluster: BenchCluster) -> Iterator[Running]:
        """Run it until the block ends; everything is listed when the block begins. Raises ProcessFailedError."""
        child = self.launched(cluster)
        try:
            port = said(child, r"served at port (\d+)")
            url = f"http://{LOOPBACK}:{port}"
            child.wait_until(lambda: is_ready(url), START_SECONDS, "ready")
            yield Running(child, url)
        finally:
            child.stop(patience=20)

    def launched(self, cluster: BenchCluster) -> Child:
        """Return the process, just started."""
        log = new_log(cluster.directory, self.name)
        command = [sys.executable, "-c", AS_SHIPPED, "run", "--address", LOOPBACK, "--port", "0"]
        command += ["--kubeconfig", str(cluster.kubeconfig)]
        command += [] if self.namespace is None else ["--namespace", self.namespace]
        return Child("the operator", command, log, cluster.leash, program_environment(cluster.directory))


@dataclass(frozen=True)
class Peer:
    """The peer in Go: 16 workers, and no limit on its requests."""

    program: Path
    template: Path
    name: str = "Go"

    @contextmanager
    def running(self, cluster: BenchCluster) -> Iterator[Running]:
        """Run it until the block ends; its caches are filled when the block begins. Raises ProcessFailedError."""
        log = new_log(cluster.directory, self.name)
        command: list[str | Path] = [self.program, "-kubeconfig", cluster.kubeconfig, "-template", self.template]
        child = Child(
            "the peer", [*command, f"-workers={WORKERS}"], log, cluster.leash, program_environment(cluster.directory)
        )
        try:
            child.wait_until(lambda: "Starting workers" in log.read_text(), START_SECONDS, "at work")
            yield Running(child)
        finally:
            child.stop(patience=20)


def is_ready(url: str) -> bool:
    """Whether an operator says that it is at work."""
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def new_log(directory: Path, name: str) -> Path:
    """Return a log that no process has written to yet."""
    number = len(list(directory.glob(f"{name}-*.log"))) + 1
    return directory / f"{name}-{number}.log"
