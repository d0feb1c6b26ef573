"""The laptop cluster is a real control plane with simulated pods."""

import ipaddress
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from local.cluster import ClusterFacts, LocalCluster


def kubectl(facts: ClusterFacts, *arguments: str) -> str:
    assert facts.kubectl is not None
    command = [str(facts.kubectl), "--kubeconfig", str(facts.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def namespace(cluster: ClusterFacts) -> Iterator[str]:
    name = f"local-{uuid4().hex[:8]}"
    kubectl(cluster, "create", "namespace", name)
    yield name
    kubectl(cluster, "delete", "namespace", name, "--wait=false")


def test_a_deployment_becomes_available_with_a_refusing_address_for_each_pod(
    cluster: ClusterFacts, namespace: str
) -> None:
    if cluster.flavour == "kind":
        pytest.skip("kind runs real pods")
    kubectl(cluster, "-n", namespace, "create", "deployment", "bot", "--image=bot", "--replicas=3")

    kubectl(cluster, "-n", namespace, "wait", "--for=condition=Available", "deployment/bot", "--timeout=60s")

    pods = json.loads(kubectl(cluster, "-n", namespace, "get", "pods", "-o", "json"))["items"]
    addresses = {pod["status"]["podIP"] for pod in pods}
    assert len(addresses) == 3
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network("127.64.0.0/10") for address in addresses)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((addresses.pop(), 5005), timeout=10)


def test_the_server_tells_its_version(cluster: ClusterFacts) -> None:
    assert json.loads(kubectl(cluster, "version", "-o", "json"))["serverVersion"]["gitVersion"] != "v0.0.0"


def test_a_stranger_has_no_access(cluster: ClusterFacts) -> None:
    if cluster.flavour == "kind":
        pytest.skip("kind's own tokens")
    with httpx.Client(verify=False, trust_env=False) as client:
        answer = client.get(f"{cluster.server}/api/v1/secrets", headers={"Authorization": "Bearer admintoken"})

    assert answer.status_code == 401


@pytest.fixture
def own_cluster(cluster: ClusterFacts) -> Iterator[tuple[LocalCluster, ClusterFacts]]:
    """A second cluster beside the first, to be broken."""
    if cluster.flavour == "kind":
        pytest.skip("kind cannot stop its API server")
    own = LocalCluster()
    yield own, own.start()
    own.stop()


def test_a_stopped_api_server_comes_back_with_its_data(own_cluster: tuple[LocalCluster, ClusterFacts]) -> None:
    own, facts = own_cluster
    kubectl(facts, "create", "configmap", "kept")

    own.stop_api_server()
    with pytest.raises(subprocess.CalledProcessError):
        kubectl(facts, "get", "configmap", "kept", "--request-timeout=5s")
    own.start_api_server()

    assert "kept" in kubectl(facts, "get", "configmap", "kept")


def test_a_stopped_cluster_leaves_nothing_behind(own_cluster: tuple[LocalCluster, ClusterFacts]) -> None:
    own, facts = own_cluster

    own.stop()

    assert not facts.directory.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(facts.server, verify=False, trust_env=False)


def test_ctrl_c_ends_the_cluster_of_the_command(cluster: ClusterFacts) -> None:
    if cluster.flavour == "kind":
        pytest.skip("there is one kind cluster at a time")
    command = [sys.executable, "-m", "local", "up"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as up:
        assert up.stdout is not None
        name, _, kubeconfig = up.stdout.readline().strip().partition("=")
        assert name == "export KUBECONFIG"
        assert Path(kubeconfig).is_file()
        up.send_signal(signal.SIGINT)

    assert up.returncode == 0
    assert not Path(kubeconfig).parent.exists()


def test_a_directory_in_use_is_refused(tmp_path: Path, cluster: ClusterFacts) -> None:
    if cluster.flavour == "kind":
        pytest.skip("there is one kind cluster at a time")
    (tmp_path / "mine").touch()

    with pytest.raises(FileExistsError, match="is not empty: name a new directory for the cluster"):
        LocalCluster(tmp_path).start()

    assert (tmp_path / "mine").exists()
