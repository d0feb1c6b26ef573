"""A second cluster, which all tests that stop operators and API servers share, in whatever directory they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.cluster import LocalCluster
from local.flavour import choose_flavour
from tests.integration.conftest import Installation, installed


@pytest.fixture(scope="session")
def breakable_cluster() -> Iterator[LocalCluster]:
    """A second cluster, for tests that stop operators and API servers."""
    if choose_flavour() == "kind":
        pytest.skip("there is one kind cluster at a time, and its API server cannot be stopped")
    local_cluster = LocalCluster()
    yield local_cluster
    local_cluster.stop()


@pytest.fixture(scope="session")
def breakable(breakable_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The second cluster with the operator installed but not running: each test starts and ends its own."""
    with installed(breakable_cluster.start(), tmp_path_factory.mktemp("breakable")) as installed_operator:
        yield installed_operator
