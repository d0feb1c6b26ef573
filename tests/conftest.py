"""What every test may use: a cluster, and real Rasa. In CI, a skipped test is a failed one.

`make test` runs the tests in one process more than there are cores: tests/distribution.py says which test runs where.
Nothing has to be declared for that. A test finds the ports, directories and names that it takes free, whoever runs
beside it, and asserts nothing about how fast it is.
"""

import os
import signal
from collections.abc import Generator, Iterator
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from local.binaries import find_or_build
from local.cluster import ClusterFacts, LocalCluster
from local.flavour import UnknownFlavourError, choose_flavour
from local.progress import ConsoleProgress
from local.rasa import RELEASES, RasaRelease, RasaUnavailableError, rasa_environment
from local.rasa.release import LATEST

pytest_plugins = ["tests.services", "tests.breakable", "tests.distribution"]

CLUSTERS = ("breakable_cluster", "cluster", "checkout")
"""Fixtures with a cluster: separate ones, the shared one, and the one that a tutorial reader starts."""
RASA_FIXTURES = {"rasa_binaries": LATEST, "rasa_1_10": RELEASES["1.10.26"], "rasa_2_8": RELEASES["2.8.34"]}

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--regenerate-golden`, which turns current results into expected ones, and `--chaos=full` for long faults."""
    parser.addoption("--regenerate-golden", action="store_true", help="write the golden files anew")
    parser.addoption("--chaos", choices=["brief", "full"], default="brief", help="which faults, and how long they last")
    parser.addoption("--chaos-seconds", type=float, default=inf, help="how long a fault lasts at most")
    parser.addoption("--chaos-report", metavar="FILE", help="write the figures of all faults as a Markdown table")


def pytest_configure() -> None:
    """Ctrl-C reaches what the tests start, even if the shell that runs them in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Nothing is asserted about how long an example takes: the machine may be busy.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what takes minutes before any test's time limit starts, and show progress."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    if session.config.option.collectonly or capture is None:
        return
    with capture.global_and_fixture_disabled(), ConsoleProgress() as progress:
        flavour = choose_flavour()
        if wanted.intersection(CLUSTERS) and flavour != "kind":
            find_or_build(flavour, progress)
        for name in RASA_FIXTURES.keys() & wanted:
            with suppress(RasaUnavailableError):  # which the fixture says
                rasa_environment(progress, RASA_FIXTURES[name])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Use one process with a kind cluster, of which there is one at a time; otherwise one more than there are cores.

    Most tests on a cluster wait for others half of the time.
    """
    try:
        return 0 if choose_flavour() == "kind" else 1 + (os.cpu_count() or 1)
    except UnknownFlavourError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Give a test the same name in all processes, even if its parameters contain varying bytes."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long faults, unless they are asked for."""
    if config.getoption("chaos") != "full":
        longer = [item for item in items if item.get_closest_marker("full_chaos")]
        config.hook.pytest_deselected(items=longer)
        items[:] = [item for item in items if item not in longer]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """If CI is set, fail a skipped test with the reason of the skip."""
    report = yield
    return failed_instead(report) if os.environ.get("CI") else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that is skipped."""
    report = yield
    return failed_instead(report) if os.environ.get("CI") else report


def failed_instead(report: Report) -> Report:
    """Turn the report of a skip into a failure."""
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        report.outcome = "failed"
        report.longrepr = f"a test must not be skipped in CI: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[ClusterFacts]:
    """A running cluster without an operator and its policies; every test creates the namespaces that it needs."""
    with LocalCluster() as facts:
        yield facts


@pytest.fixture(scope="session")
def rasa_binaries() -> Path:
    """The `bin` directory of real Rasa, the last release."""
    return binaries_of(RASA_FIXTURES["rasa_binaries"])


@pytest.fixture(scope="session")
def rasa_1_10() -> Path:
    """The `bin` directory of real Rasa 1.10, of the time of Rasa X 0.2x and 0.32."""
    return binaries_of(RASA_FIXTURES["rasa_1_10"])


@pytest.fixture(scope="session")
def rasa_2_8() -> Path:
    """The `bin` directory of real Rasa 2.8, of the time of Rasa Enterprise 1.0."""
    return binaries_of(RASA_FIXTURES["rasa_2_8"])


def binaries_of(release: RasaRelease) -> Path:
    """Return where the release is installed; skip the test if it cannot be."""
    try:
        return rasa_environment(ConsoleProgress(), release)
    except RasaUnavailableError as error:
        pytest.skip(str(error))
