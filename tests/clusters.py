"""A separate cluster for tests that would disturb others in the shared one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.cluster import ClusterFacts, LocalCluster
from local.flavour import choose_flavour


@contextmanager
def cluster_apart(request: pytest.FixtureRequest) -> Iterator[ClusterFacts]:
    """Yield a cluster for the scope of a fixture that is also called `cluster`.

    With kind there is one shared cluster.
    """
    if choose_flavour() == "kind":
        yield request.getfixturevalue("cluster")
    else:
        with LocalCluster() as facts:
            yield facts
