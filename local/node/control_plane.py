"""The control plane of a real node: with certificates, endpoints, and access to a kubelet."""

import secrets
from datetime import datetime
from pathlib import Path

from local import control_plane_files
from local.binaries import Binaries
from local.control_plane import ControlPlane
from local.control_plane_flags import Place
from local.node import files
from local.node.certificates import Authority, KeyPair
from local.node.network import ClusterNetwork
from local.processes import Leash
from local.progress import Progress

API_PORT, ETCD_PORT, ETCD_PEER_PORT = 6443, 2379, 2380

SERVER_NAMES = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{files.DOMAIN}",
]


class NodeControlPlane(ControlPlane):
    """A control plane in a network of its own, for one node."""

    def __init__(
        self,
        binaries: Binaries,
        directory: Path,
        network: ClusterNetwork,
        node: str,
        leash: Leash,
        progress: Progress,
    ) -> None:
        directory.mkdir(mode=0o700)
        place = Place(directory, network.address, API_PORT, ETCD_PORT, ETCD_PEER_PORT)
        super().__init__(binaries, place, leash, progress, network.prefix)
        self._node = node
        self._tokens = {user: secrets.token_hex(32) for user in files.USERS}
        self._certify(network.address)

    @property
    def authority(self) -> Path:
        """The certificate of the cluster's own authority."""
        return self._place.directory / "authority.crt"

    def tokens(self) -> str:
        """Return the tokens of the administrator, and of the programs on the node."""
        return super().tokens() + files.tokens(self._tokens, self._node)

    def own_api_server_flags(self) -> list[str]:
        """Return flags as kubeadm sets them (kubernetes.io, "Implementation details", API server)."""
        folder = self._place.directory
        return [
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            f"--kubelet-client-certificate={folder / 'kubelet-client.crt'}",
            f"--kubelet-client-key={folder / 'kubelet-client.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
        ]

    def own_controller_flags(self) -> list[str]:
        """Return no flags: all controllers run as usual."""
        return []

    def kubeconfigs(self) -> dict[str, Path]:
        """Write a kubeconfig for each program on the node; return them by program."""
        authority = self.authority.read_bytes()
        for user, token in self._tokens.items():
            self.write(f"{user}.kubeconfig", control_plane_files.kubeconfig(self.server, authority, token))
        return {user: self._place.directory / f"{user}.kubeconfig" for user in self._tokens}

    def node_reported_since(self, moment: datetime) -> bool:
        """Return whether the kubelet has renewed its lease since then (kubernetes.io, "Leases", node heartbeats)."""
        with self.client() as client:
            answer = client.get(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self._node}")
        renewed = answer.json()["spec"].get("renewTime") if answer.is_success else None
        return renewed is not None and datetime.fromisoformat(renewed) > moment

    def _certify(self, address: str) -> None:
        authority = Authority()
        self.write(self.authority.name, authority.certificate)
        self._write_pair("server", authority.server("kube-apiserver", SERVER_NAMES, [address, files.API_SERVICE]))
        self._write_pair("kubelet-client", authority.client("kube-apiserver-kubelet-client", "system:masters"))

    def _write_pair(self, name: str, pair: KeyPair) -> None:
        self.write(f"{name}.crt", pair.certificate)
        self.write(f"{name}.key", pair.key)
