"""A control plane of separate processes: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok."""

import secrets
import ssl
from pathlib import Path

import httpx

from local import control_plane_files as files
from local.addresses import PodNetwork, claim_pod_network, free_ports
from local.binaries import Binaries
from local.processes import Child, Leash
from local.progress import Progress

NODES = ("node-1", "node-2")

READY_SECONDS = 90.0


class ControlPlane:
    """One control plane, with all of its files in `directory` and all of its ports on 127.0.0.1."""

    def __init__(self, binaries: Binaries, directory: Path, leash: Leash, progress: Progress) -> None:
        self._binaries = binaries
        self._directory = directory
        self._leash = leash
        self._progress = progress
        self._token = secrets.token_hex(32)
        self._etcd_port, self._etcd_peer_port, self._api_port = free_ports(3)
        self._children: dict[str, Child] = {}
        self._pods: PodNetwork | None = None
        self.server = f"https://127.0.0.1:{self._api_port}"
        self.kubeconfig = directory / "kubeconfig"
        self.audit_log: Path | None = directory / "audit.log"
        self.kubectl: Path | None = binaries.kubectl

    def start(self) -> None:
        """Starts everything and returns when pods can be created. Raises ProcessFailed."""
        self._write("audit.yaml", files.AUDIT_POLICY)
        self._write("tokens.csv", files.tokens(self._token))
        self._write("signing.key", files.new_signing_key())
        self._run("etcd", self._binaries.etcd, self._etcd_flags())
        self.start_api_server()
        self._write(self.kubeconfig.name, files.kubeconfig(self.server, self._certificate.read_bytes(), self._token))
        self._pods = claim_pod_network()
        self._run("kube-controller-manager", self._binaries.kube_controller_manager, self._controller_flags())
        self._run("kube-scheduler", self._binaries.kube_scheduler, self._scheduler_flags())
        self._run("kwok", self._binaries.kwok, self._kwok_flags(self._pods))
        self._add_nodes()

    def stop(self) -> None:
        """Kills everything; the files stay."""
        for name in reversed(list(self._children)):
            self._children.pop(name).stop()
        if self._pods is not None:
            self._pods.release()

    def start_api_server(self) -> None:
        """Starts the API server, at first or again, on the same port and data; returns when it is ready."""
        api_server = self._run("kube-apiserver", self._binaries.kube_apiserver, self._api_server_flags())
        api_server.wait_until(self._api_server_ready, READY_SECONDS, "ready")

    def stop_api_server(self) -> None:
        """Kills the API server, as a crash would."""
        self._children.pop("kube-apiserver").stop()

    @property
    def _certificate(self) -> Path:
        """What the API server signs for itself: its certificate, and that of the authority made for it."""
        return self._directory / "certificates" / "apiserver.crt"

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        return [
            f"--data-dir={self._directory / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _api_server_flags(self) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--cert-dir={self._certificate.parent}",
            f"--secure-port={self._api_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/12",
            f"--token-auth-file={self._directory / 'tokens.csv'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={self._directory / 'signing.key'}",
            f"--service-account-key-file={self._directory / 'signing.key'}",
            f"--audit-policy-file={self._directory / 'audit.yaml'}",
            f"--audit-log-path={self.audit_log}",
        ]

    def _controller_flags(self) -> list[str]:
        """All controllers but those that write EndpointSlices, which would refuse the loopback addresses of pods.

        A simulated node never counts as dead: kwok's heartbeat takes 55 s, and a laptop may sleep.
        """
        refused = ("endpoints-controller", "endpointslice-controller", "endpointslice-mirroring-controller")
        return [
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={self._directory / 'signing.key'}",
            f"--root-ca-file={self._certificate}",
            "--node-monitor-grace-period=24h",
            f"--controllers=*,{','.join(f'-{name}' for name in refused)}",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
        ]

    def _scheduler_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
        ]

    def _kwok_flags(self, pods: PodNetwork) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--config={Path(__file__).parent / 'kwok_stages.yaml'}",
            "--manage-all-nodes=true",
            f"--cidr={pods.cidr}",
            f"--node-ip={pods.node_address}",
        ]

    def _add_nodes(self) -> None:
        with self._client() as client:
            for name in NODES:
                client.post("/api/v1/nodes", json=files.node(name)).raise_for_status()

        def ready() -> bool:
            with self._client() as client:
                account = client.get("/api/v1/namespaces/default/serviceaccounts/default")
                nodes = client.get("/api/v1/nodes").json()["items"]
            return account.is_success and all(_is_ready(node) for node in nodes)

        self._children["kwok"].wait_until(ready, READY_SECONDS, "playing its nodes")

    def _api_server_ready(self) -> bool:
        self._children["etcd"].must_run()
        try:
            with self._client() as client:
                return client.get("/readyz").is_success
        except (httpx.TransportError, OSError):
            return False

    def _client(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=self._certificate)
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx.Client(base_url=self.server, headers=headers, verify=trusted, timeout=10, trust_env=False)

    def _run(self, name: str, program: Path, flags: list[str]) -> Child:
        self._progress(f"starting {name} …")
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self._directory), "TMPDIR": str(self._directory)}
        child = Child(name, [program, *flags], self._directory / f"{name}.log", self._leash, environment)
        self._children[name] = child
        return child

    def _write(self, name: str, text: str) -> None:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_text(text)


def _is_ready(node: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
