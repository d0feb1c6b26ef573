"""A separate cluster, because policies apply to all namespaces, and the fixtures of its tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from local.api_server import ApiServer as AnyKind
from local.cluster import ClusterFacts
from local.processes import Leash
from local.service_account import service_account_kubeconfig
from rasa_environments.api.base import GROUP, VERSION
from rasa_environments.api.crd import RESOURCES
from tests.api.api_server import ApiServer, wait_until
from tests.clusters import cluster_apart
from tests.helm.rendering import NAMESPACE, RELEASE
from tests.integration.model_server_process import ModelServerProcess, running_model_server
from tests.integration.operator_process import SHORT_INTERVALS, SIMULATED_PODS, OperatorProcess

NUMBERS = itertools.count(1)
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
Start = Callable[..., OperatorProcess]


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[ClusterFacts]:
    """One where nothing is installed but by these tests."""
    with cluster_apart(request) as facts:
        yield facts


@pytest.fixture(scope="session")
def api(cluster: ClusterFacts) -> Iterator[ApiServer]:
    """Its API server, for custom resources."""
    with closing(ApiServer(cluster.kubeconfig)) as api:
        yield api


@pytest.fixture(scope="session")
def any_kind(cluster: ClusterFacts) -> Iterator[AnyKind]:
    """The same, for objects of every kind."""
    with AnyKind(cluster.kubeconfig) as api:
        yield api


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """A model server whose tags production and staging are on model A."""
    with running_model_server(tmp_path_factory.mktemp("models"), tags=("production", "staging")) as server:
        yield server


@pytest.fixture(scope="session")
def start_operator(cluster: ClusterFacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts operators with the rights of the ServiceAccount that a release has made."""
    leash = Leash()
    started: list[OperatorProcess] = []

    def start(*flags: str, namespace: str = NAMESPACE) -> OperatorProcess:
        directory = tmp_path_factory.mktemp("operator")
        kubeconfig = service_account_kubeconfig(cluster.kubeconfig, namespace, RELEASE, directory / "kubeconfig")
        process = OperatorProcess(kubeconfig, directory / "log", leash, *SHORT_INTERVALS, *SIMULATED_PODS, *flags)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()
    leash.close()


def remove_definitions(api: ApiServer) -> None:
    """Reset the cluster to the state before any release; custom resources go with their CRDs."""
    for resource in RESOURCES:
        api.request("DELETE", f"{DEFINITIONS}/{resource.plural}.{GROUP}")
    wait_until(
        lambda: (
            not any(api.request("GET", f"{DEFINITIONS}/{resource.plural}.{GROUP}").accepted for resource in RESOURCES)
        ),
        "the definitions to be gone",
    )


def wait_until_served(api: ApiServer) -> None:
    """Wait until custom resources can be listed: after a CRD change, the API server briefly answers 429.

    Its message is "storage is (re)initializing".
    """
    paths = [f"/apis/{GROUP}/{VERSION}/{resource.plural}?limit=1" for resource in RESOURCES]
    wait_until(lambda: all(api.request("GET", path).accepted for path in paths), "our objects to be served")


def pods(api: ApiServer, namespace: str, selector: str = "") -> dict[str, str]:
    """Return name and UID of every pod of a namespace that is not terminating, or of those with a label."""
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}"
    listed = api.request("GET", path).body["items"]
    return {
        pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in listed if "deletionTimestamp" not in pod["metadata"]
    }
