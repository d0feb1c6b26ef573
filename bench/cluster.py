"""The API server that all contenders work on: a control plane without nodes, so that nobody else is at work."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.audit import AuditLog
from local import installation
from local.api_server import ApiServer
from local.binaries import find_kubectl, find_or_build
from local.processes import Leash
from local.progress import Progress
from local.service_account import service_account_kubeconfig
from local.simulated import SimulatedCluster

USER = f"system:serviceaccount:{installation.NAMESPACE}:{installation.SERVICE_ACCOUNT}"
"""Whom the audit log names for the requests of a contender: all run with the operator's own rights."""
CHILD_PATHS = ("api/v1", "serviceaccounts"), ("api/v1", "secrets"), ("api/v1", "configmaps"), ("api/v1", "services")
DEPLOYMENTS = ("apis/apps/v1", "deployments")
ENVIRONMENTS = ("apis/rasa-environments.io/v1alpha1", "deploymentenvironments")
PODS = ("api/v1", "pods")
PATIENCE = 600.0


class NodelessCluster(SimulatedCluster):
    """etcd, API server and controllers; pods are created and wait for a node that never comes."""

    def start(self) -> None:
        """Start the three programs and wait until the API server is ready. Raises ProcessFailedError."""
        self.start_without_scheduler()


@dataclass(frozen=True)
class BenchCluster:
    """A cluster with the operator's definitions, rights and policies, and no operator."""

    directory: Path
    api: ApiServer
    audit: AuditLog
    leash: Leash
    kubectl: Path
    admin_kubeconfig: Path
    kubeconfig: Path
    """Of the operator's ServiceAccount."""

    def collection(self, where: tuple[str, str], namespace: str) -> str:
        """Return the path of all objects of a kind in a namespace."""
        version, resource = where
        return f"/{version}/namespaces/{namespace}/{resource}"

    def count(self, where: tuple[str, str], namespace: str) -> int:
        """How many objects there are, by reading one of them."""
        page = self.api.get(f"{self.collection(where, namespace)}?limit=1")
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))

    def items(self, where: tuple[str, str], namespace: str) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace."""
        listed: list[dict[str, Any]] = self.api.get(self.collection(where, namespace))["items"]
        return listed

    def wait_for_count(self, where: tuple[str, str], namespace: str, wanted: int) -> None:
        """Wait until there are so many objects. Raises TimeoutError."""
        wait_until(
            lambda: self.count(where, namespace) == wanted, f"{wanted} {where[1]} to be in {namespace}", every=0.2
        )

    def create(self, where: tuple[str, str], namespace: str, body: Mapping[str, Any]) -> None:
        """Create an object. Raises RefusedError."""
        self.api.post(self.collection(where, namespace), body)

    def patch(self, where: tuple[str, str], namespace: str, name: str, change: Mapping[str, Any]) -> None:
        """Change fields of an object (RFC 7386). Raises RefusedError."""
        self.api.patch(f"{self.collection(where, namespace)}/{name}", change)

    def new_namespace(self, name: str) -> None:
        """Create a namespace that takes only pods of the level `restricted`."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.api.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        wait_until(
            lambda: self.api.find(f"/api/v1/namespaces/{name}/serviceaccounts/default") is not None,
            f"the namespace {name} to have its ServiceAccount",
        )

    def remove_namespace(self, name: str) -> None:
        """Remove a namespace and wait until everything in it is gone. Raises TimeoutError."""
        self.api.delete(f"/api/v1/namespaces/{name}")
        wait_until(lambda: self.api.find(f"/api/v1/namespaces/{name}") is None, f"the namespace {name} to be gone")


def wait_until(holds: Callable[[], bool], what: str, every: float = 0.05, limit: float = PATIENCE) -> None:
    """Wait until it holds. Raises TimeoutError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {limit:.0f} s for {what}")
        time.sleep(every)


@contextmanager
def bench_cluster(progress: Progress, flavour: type[SimulatedCluster] = NodelessCluster) -> Iterator[BenchCluster]:
    """Start a control plane, install what is shipped but the operator's Deployment, and end it with the block."""
    binaries = find_or_build("local", progress)
    directory = Path(tempfile.mkdtemp(prefix="rasa-environments-bench-"))
    leash = Leash()
    leash.remove(directory)
    plane = flavour(binaries, directory, leash, progress)
    try:
        plane.start()
        installation.install(plane.kubeconfig)
        account = service_account_kubeconfig(
            plane.kubeconfig, installation.NAMESPACE, installation.SERVICE_ACCOUNT, directory / "operator.kubeconfig"
        )
        with ApiServer(plane.kubeconfig) as api:
            audit = AuditLog(directory / "audit.log")
            kubectl = find_kubectl(progress)
            yield BenchCluster(directory, api, audit, leash, kubectl, plane.kubeconfig, account)
    finally:
        plane.stop()
        leash.close()


def written_manifests(path: Path, manifests: list[dict[str, Any]]) -> Path:
    """Write manifests into one file of YAML, as people give them to kubectl."""
    path.write_text(yaml.safe_dump_all(manifests))
    return path
