"""A cluster for tests that would disturb others in the one for all."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.cluster import ClusterFacts, LocalCluster
from local.flavour import choose_flavour


@contextmanager
def cluster_apart(request: pytest.FixtureRequest) -> Iterator[ClusterFacts]:
    """A cluster for the scope of a fixture that is called `cluster`, too. With kind there is one, which all share."""
    if choose_flavour() == "kind":
        yield request.getfixturevalue("cluster")
    else:
        with LocalCluster() as facts:
            yield facts
