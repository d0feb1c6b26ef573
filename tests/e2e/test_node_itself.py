"""The node behind `local/bin/kind`: it runs pods as a machine does, and leaves no traces on its host."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.binaries import find_kubectl
from local.images import PAUSE_IMAGE
from local.node.clusters import Place, place_of, ready_cluster
from local.node.network import link_of
from local.node.programs import NodeUnavailableError
from local.node.requirements import require_a_fit_machine
from local.progress import silent
from tests.e2e.cluster import OWN_KIND
from tests.eventually import eventually

CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "pause"},
    "spec": {
        "containers": [
            {"name": "pause", "image": PAUSE_IMAGE, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    },
}


@dataclass(frozen=True)
class Node:
    """A cluster of our own `kind`, beside the one of the other tests."""

    name: str
    kubeconfig: Path

    @property
    def place(self) -> Place:
        """Where its files are."""
        return place_of(self.name)

    @property
    def link(self) -> str:
        """The machine's link to it."""
        address = urlsplit(ready_cluster(self.name).server).hostname
        assert address is not None
        return link_of(address)

    def kind(self, *arguments: str) -> None:
        """Runs our own `kind`, for this cluster."""
        subprocess.run([OWN_KIND, *arguments, f"--name={self.name}"], check=True, capture_output=True)

    def delete(self) -> None:
        """Deletes the cluster."""
        self.kind("delete", "cluster", f"--kubeconfig={self.kubeconfig}")

    def kubectl(self, *arguments: str, given: object = None) -> str:
        """What kubectl prints; `given` is applied."""
        command = [str(find_kubectl(silent)), f"--kubeconfig={self.kubeconfig}", *arguments]
        document = None if given is None else json.dumps(given)
        return subprocess.run(command, input=document, capture_output=True, text=True, check=True).stdout

    def run_pod(self, namespace: str) -> None:
        """Runs a pod with a volume."""
        self.kubectl("create", "namespace", namespace)
        for document in (CLAIM, POD):
            self.kubectl("apply", "--namespace", namespace, "--filename=-", given=document)
        self.kubectl("wait", "--namespace", namespace, "--for=condition=Ready", "pod/pause", "--timeout=60s")

    def container(self, namespace: str) -> dict[str, Any]:
        """The status of the pod's container."""
        pod = json.loads(self.kubectl("get", "--namespace", namespace, "pod", "pause", "--output=json"))
        return dict(pod["status"]["containerStatuses"][0])

    def volumes(self) -> set[Path]:
        """The directories of the volumes."""
        return set((self.place.directory / "machine" / "disk" / "volumes").iterdir())

    def traces(self, link: str) -> dict[str, list[str]]:
        """Return what the cluster has on this machine, where there may be other clusters."""
        directory = str(self.place.directory)
        return {
            "processes": [command for command in commands() if directory in command],
            "files": [path.name for path in self.place.root.glob(f"{self.name}*")],
            "links": [path.name for path in Path("/sys/class/net").glob(link)],
            "control groups": [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{link}")],
        }


def commands() -> list[str]:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has just ended
            continue
    return found


def settings() -> dict[str, str]:
    """Return what a node must leave unchanged: the machine's mounts, and settings of a kubelet and kube-proxy."""
    names = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "vm/panic_on_oom", "net/ipv4/ip_forward")
    mounts = Path("/proc/mounts").read_text().splitlines()
    return {
        "mounts": "\n".join(line for line in mounts if "containerd" in line or "kubelet" in line),
        **{name: (Path("/proc/sys") / name).read_text() for name in names},
    }


@contextmanager
def running_node(name: str, directory: Path) -> Iterator[Node]:
    try:
        require_a_fit_machine()
    except NodeUnavailableError as error:
        pytest.skip(str(error))
    node = Node(name, directory / "kubeconfig")
    node.kind("create", "cluster", f"--kubeconfig={node.kubeconfig}")
    try:
        yield node
    finally:
        node.delete()


@pytest.fixture(scope="module")
def untouched() -> dict[str, str]:
    """Return the state of the machine before the node exists."""
    return settings()


@pytest.fixture(scope="module")
def node(untouched: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """For tests that leave it running."""
    with running_node("itself", tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[Node]:
    """A second one, which runs a pod."""
    with running_node("itself-ending", tmp_path) as running:
        running.run_pod("ending")
        yield running


def test_a_node_leaves_the_machine_as_it_is(untouched: dict[str, str], node: Node) -> None:
    node.run_pod("untouched")

    assert settings() == untouched


def test_a_volume_goes_with_its_claim(node: Node) -> None:
    before = node.volumes()
    node.run_pod("claims")
    [volume] = node.volumes() - before

    node.kubectl("delete", "--namespace=claims", "pod/pause", "pvc/data", "--now")

    assert eventually(lambda: volume not in node.volumes())


def test_a_pod_and_its_volume_outlive_a_restart_of_the_node(node: Node) -> None:
    volumes = node.volumes()
    node.run_pod("restarted")
    [volume] = node.volumes() - volumes
    (volume / "kept").touch()
    boots = ready_cluster(node.name).boots

    node.kind("restart", "node")

    assert ready_cluster(node.name).boots == boots + 1
    assert eventually(lambda: node.container("restarted")["restartCount"] == 1)
    assert eventually(lambda: node.container("restarted")["ready"])
    assert (volume / "kept").exists()


def test_a_deleted_cluster_leaves_nothing(own_node: Node) -> None:
    link = own_node.link
    assert all(own_node.traces(link).values())

    own_node.delete()

    assert not any(own_node.traces(link).values()), own_node.traces(link)


def test_a_killed_supervisor_takes_the_whole_cluster_with_it(own_node: Node) -> None:
    link, supervisor = own_node.link, own_node.place.supervisor()
    assert supervisor is not None

    os.kill(supervisor, signal.SIGKILL)

    assert eventually(lambda: not own_node.place.directory.exists())
    traces = own_node.traces(link)
    assert not any(traces[kind] for kind in ("processes", "links", "control groups")), traces
