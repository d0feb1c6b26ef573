"""The command lines of a control plane: pure functions from its place to flags."""

from dataclasses import dataclass
from pathlib import Path

SERVICE_NETWORK = "10.96.0.0/12"


@dataclass(frozen=True)
class Place:
    """The directory with all files of a control plane, the address of its API server, and its ports.

    etcd listens on 127.0.0.1.
    """

    directory: Path
    address: str
    api_port: int
    etcd_port: int
    etcd_peer_port: int

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """The audit log, with one line of JSON for each request."""
        return self.directory / "audit.log"

    @property
    def signing_key(self) -> Path:
        """The key that signs the tokens of service accounts."""
        return self.directory / "signing.key"


def etcd_flags(place: Place) -> list[str]:
    """Return the flags of a single member that does not wait for the disk."""
    client, peer = (f"http://127.0.0.1:{port}" for port in (place.etcd_port, place.etcd_peer_port))
    return [
        f"--data-dir={place.directory / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def api_server_flags(place: Place) -> list[str]:
    """Return the common flags of every API server; certificate, authorization and endpoints depend on the cluster."""
    return [
        f"--etcd-servers=http://127.0.0.1:{place.etcd_port}",
        f"--secure-port={place.api_port}",
        f"--bind-address={place.address}",
        f"--advertise-address={place.address}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        f"--token-auth-file={place.directory / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={place.signing_key}",
        f"--service-account-key-file={place.signing_key}",
        f"--audit-policy-file={place.directory / 'audit.yaml'}",
        f"--audit-log-path={place.audit_log}",
        "--allow-privileged",  # as in clusters that people have: what refuses such pods is to be seen
    ]


def controller_manager_flags(place: Place, authority: Path) -> list[str]:
    """Return the flags for all controllers, each with its own service account; pods trust the server by `authority`."""
    return [
        *scheduler_flags(place),
        "--use-service-account-credentials",
        f"--service-account-private-key-file={place.signing_key}",
        f"--root-ca-file={authority}",
    ]


def scheduler_flags(place: Place) -> list[str]:
    """Return the flags of a single scheduler, without leader election and request limits."""
    return [
        f"--kubeconfig={place.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=300",
        "--kube-api-burst=600",
    ]
