"""What every test may use: one cluster for the whole run."""

from collections.abc import Iterator

import pytest

from local.binaries import find_or_build
from local.cluster import ClusterFacts, LocalCluster
from local.flavour import choose_flavour
from local.progress import ConsoleProgress


def pytest_collection_finish(session: pytest.Session) -> None:
    """Builds what the cluster consists of before any test's time limit runs, with its progress shown."""
    if not any("cluster" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    flavour = choose_flavour()
    capture = session.config.pluginmanager.getplugin("capturemanager")
    if flavour != "kind" and capture is not None:
        with capture.global_and_fixture_disabled(), ConsoleProgress() as progress:
            find_or_build(flavour, progress)


@pytest.fixture(scope="session")
def cluster() -> Iterator[ClusterFacts]:
    """A running cluster; every test makes the namespaces it needs."""
    with LocalCluster() as facts:
        yield facts
