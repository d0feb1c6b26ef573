"""A control plane with nodes simulated by kwok (https://kwok.sigs.k8s.io)."""

from pathlib import Path

from local import control_plane_files as files
from local.addresses import PodNetwork, claim_pod_network, free_ports
from local.binaries import Binaries
from local.control_plane import READY_SECONDS, ControlPlane
from local.control_plane_flags import Place
from local.processes import Leash
from local.progress import Progress

NODES = ("node-1", "node-2")


class SimulatedCluster(ControlPlane):
    """A control plane and two simulated nodes, with all files in `directory` and all ports on 127.0.0.1."""

    def __init__(self, binaries: Binaries, directory: Path, leash: Leash, progress: Progress) -> None:
        etcd_port, etcd_peer_port, api_port = free_ports(3)
        place = Place(directory, "127.0.0.1", api_port, etcd_port, etcd_peer_port)
        super().__init__(binaries, place, leash, progress)
        self._pods: PodNetwork | None = None

    @property
    def authority(self) -> Path:
        """What the API server signs for itself: its certificate, and that of the authority made for it."""
        return self._place.directory / "certificates" / "apiserver.crt"

    def own_api_server_flags(self) -> list[str]:
        """Return flags without endpoints: those of a server on a loopback address would be rejected."""
        return [
            f"--cert-dir={self.authority.parent}",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
        ]

    def own_controller_flags(self) -> list[str]:
        """Return flags for all controllers but those of EndpointSlices, which reject loopback addresses of pods.

        A simulated node never counts as dead: kwok's heartbeat takes 55 s, and a laptop may sleep.
        """
        refused = ("endpoints-controller", "endpointslice-controller", "endpointslice-mirroring-controller")
        return [
            "--node-monitor-grace-period=24h",
            f"--controllers=*,{','.join(f'-{name}' for name in refused)}",
        ]

    def start(self) -> None:
        """Start everything and wait until pods can be created. Raises ProcessFailedError."""
        super().start()
        self._pods = claim_pod_network()
        kwok = self.run("kwok", self._binaries.kwok, self._kwok_flags(self._pods))
        with self.client() as client:
            for name in NODES:
                client.post("/api/v1/nodes", json=files.node(name)).raise_for_status()
        kwok.wait_until(self.nodes_ready, READY_SECONDS, "playing its nodes")

    def stop(self) -> None:
        """Kill everything; the files stay."""
        super().stop()
        if self._pods is not None:
            self._pods.release()

    def _kwok_flags(self, pods: PodNetwork) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--config={Path(__file__).parent / 'kwok_stages.yaml'}",
            "--manage-all-nodes=true",
            f"--cidr={pods.cidr}",
            f"--node-ip={pods.node_address}",
        ]
