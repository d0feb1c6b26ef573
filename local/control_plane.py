"""A control plane of separate processes: etcd, kube-apiserver, kube-controller-manager and kube-scheduler."""

import secrets
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import httpx

from local import control_plane_files as files
from local import control_plane_flags as flags
from local.binaries import Binaries
from local.control_plane_flags import Place
from local.processes import Child, Leash
from local.progress import Progress

READY_SECONDS = 90.0


class ControlPlane(ABC):
    """A control plane; subclasses for the kinds of cluster decide about the remaining flags.

    `prefix` precedes every command, to run it in a network of its own.
    """

    def __init__(
        self, binaries: Binaries, place: Place, leash: Leash, progress: Progress, prefix: Sequence[str] = ()
    ) -> None:
        self._binaries = binaries
        self._place = place
        self._leash = leash
        self._progress = progress
        self._prefix = prefix
        self._token = secrets.token_hex(32)
        self._children: dict[str, Child] = {}
        self.server = place.server
        self.kubeconfig = place.kubeconfig
        self.audit_log: Path | None = place.audit_log
        self.kubectl: Path | None = binaries.kubectl

    @property
    @abstractmethod
    def authority(self) -> Path:
        """The certificates that authenticate the API server; present once it is ready."""

    @abstractmethod
    def own_api_server_flags(self) -> list[str]:
        """Return the certificate, authorization and endpoint flags of the API server."""

    @abstractmethod
    def own_controller_flags(self) -> list[str]:
        """Return the flags by which the controllers differ from the usual."""

    def tokens(self) -> str:
        """Return the static token file: the administrator's token, and those of other users, if any."""
        return files.tokens(self._token)

    def start(self) -> None:
        """Start everything and wait until the API server is ready. Raises ProcessFailedError."""
        self.start_without_scheduler()
        self.run("kube-scheduler", self._binaries.kube_scheduler, flags.scheduler_flags(self._place))

    def start_without_scheduler(self) -> None:
        """Start etcd, the API server and the controllers, so that pods wait for a node. Raises ProcessFailedError."""
        self.write("audit.yaml", files.AUDIT_POLICY)
        self.write("tokens.csv", self.tokens())
        self.write(self._place.signing_key.name, files.new_signing_key())
        self.run("etcd", self._binaries.etcd, flags.etcd_flags(self._place))
        self.start_api_server()
        self.write(self.kubeconfig.name, files.kubeconfig(self.server, self.authority.read_bytes(), self._token))
        controllers = [*flags.controller_manager_flags(self._place, self.authority), *self.own_controller_flags()]
        self.run("kube-controller-manager", self._binaries.kube_controller_manager, controllers)

    def stop(self) -> None:
        """Kill everything; the files stay."""
        for name in reversed(list(self._children)):
            self._children.pop(name).stop()

    def start_api_server(self) -> None:
        """Start or restart the API server on the same port and data, and wait until it is ready."""
        arguments = [*flags.api_server_flags(self._place), *self.own_api_server_flags()]
        api_server = self.run("kube-apiserver", self._binaries.kube_apiserver, arguments)
        api_server.wait_until(self._api_server_ready, READY_SECONDS, "ready")

    def stop_api_server(self) -> None:
        """Kill the API server, as in a crash."""
        self._children.pop("kube-apiserver").stop()

    def must_run(self) -> None:
        """Check that all processes run. Raises ProcessFailedError if one has ended by itself."""
        for child in self._children.values():
            child.must_run()

    def client(self) -> httpx.Client:
        """Return an administrator's client."""
        trusted = ssl.create_default_context(cafile=self.authority)
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx.Client(base_url=self.server, headers=headers, verify=trusted, timeout=10, trust_env=False)

    def run(self, name: str, program: Path, arguments: Sequence[str]) -> Child:
        """Start another process of the control plane, which ends with it."""
        self._progress(f"starting {name} …")
        directory = self._place.directory
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "TMPDIR": str(directory)}
        command: list[str | Path] = [*self._prefix, program, *arguments]
        child = Child(name, command, directory / f"{name}.log", self._leash, environment)
        self._children[name] = child
        return child

    def write(self, name: str, text: str) -> None:
        """Write a file that only this user may read."""
        path = self._place.directory / name
        path.touch(mode=0o600)
        path.write_text(text)

    def nodes_ready(self) -> bool:
        """Return whether there are nodes, all are ready, and pods have a service account."""
        with self.client() as client:
            account = client.get("/api/v1/namespaces/default/serviceaccounts/default")
            nodes = client.get("/api/v1/nodes").json()["items"]
        return account.is_success and bool(nodes) and all(_is_ready(node) for node in nodes)

    def _api_server_ready(self) -> bool:
        self._children["etcd"].must_run()
        try:
            with self.client() as client:
                return client.get("/readyz").is_success
        except (httpx.TransportError, OSError):
            return False


def _is_ready(node: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
