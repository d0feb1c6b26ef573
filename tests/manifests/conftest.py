"""A separate cluster where everything is installed from the shipped files: only with `kubectl apply`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import yaml

from local import api_server
from local.binaries import find_kubectl
from local.cluster import ClusterFacts
from local.installation import MANIFESTS, SERVICE_ACCOUNT, wait_until_stamped
from local.processes import Leash
from local.progress import silent
from local.service_account import service_account_kubeconfig
from tests.api.api_server import ApiServer
from tests.clusters import cluster_apart
from tests.integration.model_server_process import ModelServerProcess, running_model_server
from tests.integration.operator_process import SHORT_INTERVALS, SIMULATED_PODS, OperatorProcess
from tests.integration.space import Space
from tests.manifests.kubectl import Kubectl, Output

BOTS = "bots"
"""The namespace that the operator of overlays/namespaced watches and runs in."""


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[ClusterFacts]:
    """A separate cluster, because policies apply to all namespaces; empty at first."""
    with cluster_apart(request) as facts:
        yield facts


@pytest.fixture(scope="session")
def kubectl(cluster: ClusterFacts, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl as a cluster administrator."""
    program = cluster.kubectl or find_kubectl(silent)
    return Kubectl(program, cluster.kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def installation(kubectl: Kubectl) -> Output:
    """Return kubectl's output for the single file in the empty cluster, once admission works."""
    output = kubectl.attempt("apply", "--server-side", "-f", str(MANIFESTS / "install.yaml"))
    assert output.code == 0, output.out + output.err
    with api_server.ApiServer(kubectl.kubeconfig) as api:
        wait_until_stamped(api)
    return output


@pytest.fixture(scope="session")
def api(cluster: ClusterFacts, installation: Output) -> Iterator[ApiServer]:
    """The API server with everything installed."""
    with closing(ApiServer(cluster.kubeconfig)) as api:
        yield api


@pytest.fixture(scope="session")
def bots(kubectl: Kubectl, installation: Output, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl in a namespace where a user's own kustomization has installed overlays/namespaced."""
    folder = tmp_path_factory.mktemp("bots")
    overlay = folder / "operator"
    overlay.symlink_to(MANIFESTS / "overlays" / "namespaced")
    kustomization = {"namespace": BOTS, "resources": ["operator"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    kubectl("create", "namespace", BOTS)
    kubectl("apply", "--server-side", "-k", str(folder))
    return kubectl.within(BOTS)


@pytest.fixture(scope="session")
def operator(bots: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """The operator of that namespace, with only the rights of its Role."""
    directory = tmp_path_factory.mktemp("operator")
    own = service_account_kubeconfig(bots.kubeconfig, BOTS, SERVICE_ACCOUNT, directory / "kubeconfig")
    leash = Leash()
    process = OperatorProcess(own, directory / "log", leash, *SHORT_INTERVALS, *SIMULATED_PODS, "--namespace", BOTS)
    process.start()
    yield process
    process.kill()
    leash.close()


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """A model server where model A carries the tags production and green."""
    with running_model_server(tmp_path_factory.mktemp("model-server"), tags=("production", "green")) as server:
        yield server


@pytest.fixture(scope="session")
def space(api: ApiServer, operator: OperatorProcess) -> Space:
    """The namespace that the operator watches, for waiting on results."""
    return Space(api, BOTS, operator)
