"""A cluster of one real node, wholly in namespaces of its own."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from local.api_server import ApiServer
from local.images import PAUSE_IMAGE, image_archive
from local.node import files
from local.node.cgroups import Cgroups
from local.node.clusters import State
from local.node.control_plane import NodeControlPlane
from local.node.machine import Machine, MachineFacts, import_images
from local.node.network import ClusterNetwork
from local.node.programs import NodePrograms
from local.processes import Leash, ProcessFailed
from local.progress import Progress

READY_SECONDS = 60.0


def node_name(cluster: str) -> str:
    """The name of the cluster's node, which is the one that kind gives."""
    return f"{cluster}-control-plane"


class NodeCluster:
    """The cluster `name`, with all of its files in `directory`, which is made, and removed at the end.

    Nothing of it outlives this process, however this process ends.
    """

    def __init__(self, name: str, directory: Path, programs: NodePrograms, progress: Progress) -> None:
        self._node = node_name(name)
        self._directory = directory
        self._programs = programs
        self._progress = progress
        self._boots = 0
        self._undo: list[Callable[[], None]] = []
        self._plane: NodeControlPlane | None = None
        self._machine: Machine | None = None

    def start(self) -> State:
        """Returns when pods can run. Raises ProcessFailed, CgroupsUnusable or ImageUnavailable."""
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def restart_node(self) -> State:
        """Cuts the power of the node, with all pods on it, and switches it on again. The control plane goes on.

        Returns when the node is ready; its pods start again by and by. Raises ProcessFailed.
        """
        if self._machine is None:
            raise ProcessFailed("the cluster is not started")
        self._progress("the node loses power …")
        self._machine.switch_off()
        return self._boot()

    def must_run(self) -> None:
        """Raises ProcessFailed if a program of the cluster has ended by itself."""
        if self._plane is not None and self._machine is not None:
            self._plane.must_run()
            self._machine.must_run()

    def stop(self) -> None:
        """Ends every process, and removes every file, mount, link and control group of the cluster."""
        while self._undo:
            self._undo.pop()()

    def _start(self) -> State:
        pause = image_archive(PAUSE_IMAGE, self._progress)
        self._directory.mkdir(parents=True, mode=0o700)
        leash = Leash()
        self._undo.append(leash.close)
        leash.remove(self._directory)
        network = ClusterNetwork(self._directory, leash)
        self._undo.append(network.close)
        plane = self._start_control_plane(network, leash)
        self._plug_in(network, plane, leash)
        with ApiServer(plane.kubeconfig) as api:
            for document in files.objects(network.address):
                api.apply(document)
        state = self._boot()
        import_images(self._programs, state.boot_pid, pause)
        return state

    def _start_control_plane(self, network: ClusterNetwork, leash: Leash) -> NodeControlPlane:
        directory = self._directory / "control-plane"
        binaries = self._programs.control_plane
        plane = NodeControlPlane(binaries, directory, network, self._node, leash, self._progress)
        self._plane = plane
        self._undo.append(plane.stop)
        plane.start()
        return plane

    def _plug_in(self, network: ClusterNetwork, plane: NodeControlPlane, leash: Leash) -> None:
        cgroups = Cgroups(network.name)
        for group in cgroups.directories:
            leash.remove_cgroup(group)
        facts = MachineFacts(
            name=self._node,
            address=network.address,
            directory=self._directory / "machine",
            authority=plane.authority,
            kubeconfigs=plane.kubeconfigs(),
            pause_image=PAUSE_IMAGE,
        )
        self._machine = Machine(facts, self._programs, cgroups, network.prefix, leash)
        self._undo.append(self._machine.switch_off)

    def _boot(self) -> State:
        if self._machine is None or self._plane is None:
            raise ProcessFailed("the cluster is not started")
        machine, plane = self._machine, self._plane
        self._progress("booting the node …")
        began = datetime.now(UTC)
        machine.switch_on()
        machine.wait_until(lambda: plane.node_reported_since(began) and plane.nodes_ready(), READY_SECONDS, "ready")
        self._boots += 1
        return State(
            server=plane.server,
            kubeconfig=plane.kubeconfig,
            audit_log=self._directory / "control-plane" / "audit.log",
            boots=self._boots,
            boot_pid=machine.boot_pid,
        )
