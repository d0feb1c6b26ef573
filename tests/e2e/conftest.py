"""The cluster with real pods and the release in it, which all end-to-end tests share, and what tests put into it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_kind import KindCluster

from local.binaries import find_kubectl
from local.helm import helm
from local.images import OPERATOR_IMAGE, RASA_IMAGE, REDIS_IMAGE
from local.installation import NAMESPACE as RELEASE_NAMESPACE
from local.node.programs import NodeUnavailableError
from local.node.requirements import require_a_fit_machine
from local.progress import ConsoleProgress
from tests.api.api_server import ApiServer
from tests.e2e.caller import Caller
from tests.e2e.cluster import OWN_KIND, Cluster, kind_program
from tests.e2e.evidence import evidence
from tests.e2e.models import Models
from tests.e2e.pod_space import PodSpace
from tests.e2e.release import NAMESPACES, Release
from tests.e2e.visitors import NAMESPACE as VISITORS_NAMESPACE
from tests.e2e.visitors import Visitors, visitors
from tests.integration.space import Objects

Lounge = Callable[[str, str], contextlib.AbstractContextManager[Visitors]]
IMAGES = (OPERATOR_IMAGE, RASA_IMAGE, REDIS_IMAGE)
SECONDS = 400
"""For a test, with the fixtures that it uses first: the first test waits for cluster, images and Helm."""


@dataclass
class Run:
    """Lines for the end of the report, and where to find evidence of a failure."""

    cluster: Cluster | None = None
    spaces: list[Objects] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)


RUN = pytest.StashKey[Run]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUN] = Run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the state of the cluster to a failure."""
    report = yield
    run = item.config.stash[RUN]
    if report.failed and run.cluster is not None and Path(__file__).parent in item.path.parents:
        try:
            report.sections.append(("the cluster", evidence(run.cluster, run.spaces)))
        except Exception as error:  # noqa: BLE001 - the failure itself must be reported in any case
            report.sections.append(("the cluster", f"it cannot be described: {error!r}"))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    run = config.stash[RUN]
    if run.measured:
        terminalreporter.section("measured")
        for line in run.measured:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """Print the lines for the end of the report."""
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def measured(run: Run) -> Callable[[str], None]:
    """Add a line to the end of the report."""
    return run.measured.append


@pytest.fixture(scope="session")
def real_cluster(
    request: pytest.FixtureRequest, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The cluster of pytest-kind, with the images in it."""
    options = request.config.option
    options.kind_bin = options.kind_bin or str(kind_program())
    if Path(options.kind_bin).resolve() == OWN_KIND:
        try:
            require_a_fit_machine()
        except NodeUnavailableError as error:
            pytest.skip(str(error))
    options.kubeconfig = options.kubeconfig or str(tmp_path_factory.mktemp("cluster") / "kubeconfig")
    options.kind_kubectl_bin = options.kind_kubectl_bin or str(find_kubectl(ConsoleProgress()))
    kind: KindCluster = request.getfixturevalue("kind_cluster")
    for image in IMAGES:
        kind.load_docker_image(image)
    with closing(ApiServer(kind.kubeconfig_path)) as api:
        run.cluster = Cluster(kind, api)
        yield run.cluster
        run.cluster = None


@pytest.fixture(scope="session")
def release(real_cluster: Cluster, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What is installed by Helm."""
    directory = tmp_path_factory.mktemp("release")
    program = helm(4, ConsoleProgress())
    installed = Release(real_cluster.api, RELEASE_NAMESPACE, real_cluster, program, directory)
    run.spaces.append(installed)
    installed.install()
    return installed


@pytest.fixture(scope="session")
def caller(real_cluster: Cluster) -> Caller:
    """A pod in another namespace, from which requests are made."""
    caller = Caller(real_cluster, lounge_of(real_cluster))
    caller.start()
    return caller


@pytest.fixture(scope="session")
def models(release: Release, caller: Caller) -> Models:
    """Upload the sample models, and one that Rasa 3.6 cannot load, to the model server."""
    server = Models(release, caller)
    server.upload_samples()
    return server


@pytest.fixture(scope="module")
def space(
    request: pytest.FixtureRequest, real_cluster: Cluster, release: Release, models: Models, run: Run
) -> Iterator[PodSpace]:
    """Create the module's own namespace, which may use the release's model server; its pods end with the module."""
    if not release.are_definitions_there():  # after a test that took them away
        release.install()
    name = request.module.NAMESPACE
    assert name in NAMESPACES
    space = PodSpace(real_cluster.api, name, real_cluster)
    space.create_namespace()
    run.spaces.append(space)
    yield space
    run.spaces.remove(space)
    space.remove_namespace()


@pytest.fixture(scope="session")
def talking(real_cluster: Cluster) -> Lounge:
    """Start visitors of this name that chat with the server at this address."""
    lounge = lounge_of(real_cluster)
    return lambda name, url: visitors(lounge, real_cluster, name, url)


def lounge_of(cluster: Cluster) -> Objects:
    """The namespace of those who call."""
    lounge = PodSpace(cluster.api, VISITORS_NAMESPACE, cluster)
    lounge.create_namespace()
    return lounge
