"""The operator with its shipped rights on a real API server, and the fixtures of its tests."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import installation
from local.cluster import ClusterFacts
from local.processes import Leash
from local.service_account import service_account_kubeconfig
from tests.api.api_server import ApiServer
from tests.clusters import cluster_apart
from tests.integration import manifests
from tests.integration.audit import AuditLog
from tests.integration.model_server_front import Front, front_of
from tests.integration.model_server_process import (
    API_TOKEN,
    TOKEN,
    ModelServerProcess,
    running_model_server,
)
from tests.integration.operator_process import SHORT_INTERVALS, SIMULATED_PODS, OperatorProcess
from tests.integration.people import Team, employ, new_team
from tests.integration.space import Space

NUMBERS = itertools.count(1)
TAGGED = ("production", "worker", "staging", "support")
"""Tags that model A carries on the shared model server."""


@dataclass(frozen=True)
class Installation:
    """A cluster with the operator's definitions and rights, where tests start operators."""

    facts: ClusterFacts
    api: ApiServer
    leash: Leash
    directory: Path

    @property
    def kubeconfig(self) -> Path:
        """Of the operator's own ServiceAccount."""
        return self.directory / "kubeconfig"

    @property
    def audit(self) -> AuditLog:
        """The cluster's audit log."""
        if self.facts.audit_log is None:
            pytest.skip("kind writes no audit log")
        return AuditLog(self.api, self.facts.audit_log)

    def operator(self, *flags: str) -> OperatorProcess:
        """An operator with short intervals, not started yet."""
        log = self.directory / f"operator-{next(NUMBERS)}.log"
        return OperatorProcess(self.kubeconfig, log, self.leash, *SHORT_INTERVALS, *SIMULATED_PODS, *flags)


@contextlib.contextmanager
def installed(facts: ClusterFacts, directory: Path) -> Iterator[Installation]:
    """Install what is shipped except the operator's Deployment; end operators that still run."""
    installation.install(facts.kubeconfig)
    leash = Leash()
    try:
        with closing(ApiServer(facts.kubeconfig)) as api:
            it = Installation(facts, api, leash, directory)
            service_account_kubeconfig(
                facts.kubeconfig, installation.NAMESPACE, installation.SERVICE_ACCOUNT, it.kubeconfig
            )
            yield it
    finally:
        leash.close()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[ClusterFacts]:
    """A cluster with a running operator: tests elsewhere play the operator themselves."""
    with cluster_apart(request) as facts:
        yield facts


@pytest.fixture(scope="session")
def shared(cluster: ClusterFacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The cluster with the operator installed."""
    with installed(cluster, tmp_path_factory.mktemp("operator")) as installed_operator:
        yield installed_operator


@pytest.fixture(scope="session")
def operator(shared: Installation) -> Iterator[OperatorProcess]:
    """The operator of the whole shared cluster; no test stops it."""
    process = shared.operator()
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """A model server for all tests that do not move tags: model A carries the tags TAGGED."""
    with running_model_server(tmp_path_factory.mktemp("model-server"), tags=TAGGED) as server:
        yield server


@pytest.fixture
def own_model_server(tmp_path: Path) -> Iterator[ModelServerProcess]:
    """A model server for a single test, without tags."""
    with running_model_server(tmp_path / "own-model-server") as server:
        yield server


@pytest.fixture(scope="session")
def tagged_model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """A model server for tests that move tags, each behind its own front."""
    with running_model_server(tmp_path_factory.mktemp("tagged-model-server")) as server:
        yield server


@pytest.fixture
def front(tagged_model_server: ModelServerProcess) -> Iterator[Front]:
    """A front before a model server without tags. When it is closed, no operator moves a tag of the next test."""
    with front_of(tagged_model_server) as front:
        yield front
    tagged_model_server.delete_all_tags()


@pytest.fixture(scope="module")
def new_space(shared: Installation, operator: OperatorProcess) -> Iterator[Callable[[], Space]]:
    """Create new namespaces, which end with the module."""
    spaces: list[Space] = []

    def make() -> Space:
        space = Space(shared.api, f"space-{next(NUMBERS)}", operator)
        space.create_namespace()
        spaces.append(space)
        return space

    yield make
    for space in spaces:
        space.remove()


@pytest.fixture
def empty_space(shared: Installation, operator: OperatorProcess) -> Iterator[Space]:
    """A namespace with nothing in it."""
    space = Space(shared.api, f"space-{next(NUMBERS)}", operator)
    space.create_namespace()
    yield space
    space.remove()


@pytest.fixture
def another_space(shared: Installation, operator: OperatorProcess) -> Iterator[Space]:
    """A namespace of somebody else."""
    space = Space(shared.api, f"space-{next(NUMBERS)}", operator)
    space.create_namespace()
    yield space
    space.remove()


def furnish(space: Space, model_server: ModelServerProcess | Front, **spec: Any) -> None:
    """Create a ModelServer called `default` and its credentials in a namespace."""
    space.apply(
        manifests.secret(manifests.CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
        manifests.model_server(model_server.url, **spec),
    )


@pytest.fixture
def space(empty_space: Space, model_server: ModelServerProcess) -> Space:
    """A namespace with a ModelServer called `default`."""
    furnish(empty_space, model_server)
    return empty_space


@pytest.fixture
def tag_space(empty_space: Space, front: Front) -> Space:
    """A namespace with a ModelServer called `default`, whose tags are the test's own."""
    furnish(empty_space, front)
    return empty_space


@pytest.fixture
def audit(shared: Installation) -> AuditLog:
    """The audit log of the shared cluster."""
    return shared.audit


@pytest.fixture
def mortal(breakable: Installation) -> Iterator[OperatorProcess]:
    """An operator on the second cluster that the test starts, stops and kills as it likes."""
    process = breakable.operator()
    yield process
    process.kill()


@pytest.fixture
def mortal_space(breakable: Installation, mortal: OperatorProcess, model_server: ModelServerProcess) -> Iterator[Space]:
    """A namespace of the second cluster with a ModelServer called `default`; no operator runs yet."""
    space = Space(breakable.api, f"space-{next(NUMBERS)}", mortal)
    space.create_namespace()
    furnish(space, model_server)
    yield space
    space.remove()


@pytest.fixture(scope="session")
def employer(breakable: Installation) -> ApiServer:
    """The second cluster, without an operator, with the people who have rights on it."""
    employ(breakable.api)
    return breakable.api


@pytest.fixture
def team(employer: ApiServer) -> Iterator[Team]:
    """A namespace for people with different rights."""
    team = new_team(employer)
    yield team
    team.clear()
