"""A cluster with one real node, completely in namespaces of its own."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx

from local.api_server import ApiServer, RefusedError
from local.images import PAUSE_IMAGE, image_archive
from local.node import files
from local.node.cgroups import Cgroups
from local.node.clusters import State
from local.node.control_plane import NodeControlPlane
from local.node.machine import Machine, MachineFacts, import_images
from local.node.network import ClusterNetwork
from local.node.programs import NodePrograms
from local.node.volumes import Provisioner
from local.processes import Leash, ProcessFailedError
from local.progress import Progress

READY_SECONDS = 60.0


def node_name(cluster: str) -> str:
    """Return the name of the cluster's node, as in kind."""
    return f"{cluster}-control-plane"


class NodeCluster:
    """The cluster `name`, with all of its files in `directory`, which is created, and removed at the end.

    Nothing of it outlives this process, however this process ends.
    """

    def __init__(self, name: str, directory: Path, programs: NodePrograms, progress: Progress) -> None:
        self._node = node_name(name)
        self._directory = directory
        self._programs = programs
        self._progress = progress
        self._boots = 0
        self._running = ExitStack()
        self._plane: NodeControlPlane | None = None
        self._machine: Machine | None = None
        self._provisioner: Provisioner | None = None

    def start(self) -> State:
        """Start the cluster and wait until pods can run.

        Raises ProcessFailedError, CgroupsUnusableError or ImageUnavailableError.
        """
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def restart_node(self) -> State:
        """Power-cycle the node, with all pods on it, while the control plane continues; wait until it is ready.

        Its pods restart gradually. Raises ProcessFailedError.
        """
        if self._machine is None:
            raise ProcessFailedError("the cluster is not started")
        self._progress("the node loses power …")
        self._machine.switch_off()
        return self._boot()

    def tend(self) -> None:
        """Provide volumes for claims; call this about once a second.

        Raises ProcessFailedError if a program of the cluster has ended by itself.
        """
        if self._plane is None or self._machine is None or self._provisioner is None:
            return
        self._plane.must_run()
        self._machine.must_run()
        try:
            self._provisioner.provide()
        except (httpx.HTTPError, RefusedError) as error:
            self._progress(f"volumes: {error}")

    def stop(self) -> None:
        """End every process, and remove every file, mount, link and control group of the cluster."""
        self._running.close()

    def _start(self) -> State:
        pause = image_archive(PAUSE_IMAGE, self._progress)
        self._directory.mkdir(parents=True, mode=0o700)
        leash = Leash()
        self._running.callback(leash.close)
        leash.remove(self._directory)
        network = ClusterNetwork(self._directory, leash)
        self._running.callback(network.close)
        plane = self._start_control_plane(network, leash)
        self._plug_in(network, plane, leash)
        api = self._running.enter_context(ApiServer(plane.kubeconfig))
        for document in files.objects(network.address):
            api.apply(document)
        self._provisioner = Provisioner(api, self._directory / "machine" / "disk" / "volumes", self._node)
        state = self._boot()
        import_images(self._programs, state.boot_pid, pause)
        return state

    def _start_control_plane(self, network: ClusterNetwork, leash: Leash) -> NodeControlPlane:
        directory = self._directory / "control-plane"
        binaries = self._programs.control_plane
        plane = NodeControlPlane(binaries, directory, network, self._node, leash, self._progress)
        self._plane = plane
        self._running.callback(plane.stop)
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
        self._running.callback(self._machine.switch_off)

    def _boot(self) -> State:
        if self._machine is None or self._plane is None:
            raise ProcessFailedError("the cluster is not started")
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
