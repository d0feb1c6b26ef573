"""Which process runs which test, if several processes share them: a cluster has one process, and is started once.

A control plane takes about a thirtieth of a core while it runs, so that one for each process and each kind of cluster
would take as much as a quarter of the tests. Tests that use the same kind of cluster therefore form a group, which one
process runs from beginning to end; those in which Rasa runs are a second one, as both together would take longest. All
others are shared file by file, so that the fixtures of a module are made once.

Only the processes that run tests know fixtures. They write the groups to a file, for the process that shares them out.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadfile import LoadFileScheduling
from xdist.workermanage import WorkerController

LONGEST_FIRST = (
    "cluster of integration",
    "breakable cluster of integration",
    "cluster of integration, with Rasa",
    "breakable cluster of chaos",
    "cluster of tests",
    "cluster of manifests",
)
"""Groups of more than half a minute. The longest decides how long all takes."""
OF_RASA = ("rasa_binaries", "rasa_1_10", "rasa_2_8")
"""Fixtures of tests in which Rasa runs, which takes long, and starts early."""
FILE = "groups_of_tests"
DIRECTORY = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()


class GroupsAndFiles(LoadFileScheduling):  # type: ignore[misc]  # xdist brings no types
    """Gives each process whole groups, and whole files of tests that are in none."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._groups: dict[str, str] = {}

    def schedule(self) -> None:
        """Read the groups, once every process has collected its tests, and share them out."""
        self._groups = json.loads(groups_file(self.config).read_text())
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test, or its file."""
        return self._groups.get(nodeid) or str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupsAndFiles | None:
    """Share out groups with `--dist=loadgroup`."""
    return GroupsAndFiles(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell the first process where to write the groups."""
    if node.gateway.id == "gw0":
        node.workerinput[FILE] = str(groups_file(node.config))


def groups_file(config: pytest.Config) -> Path:
    """Return the file of the groups, which ends with the run."""
    if DIRECTORY not in config.stash:
        config.stash[DIRECTORY] = directory = tempfile.TemporaryDirectory(prefix="groups-of-tests-")
        config.add_cleanup(directory.cleanup)
    return Path(config.stash[DIRECTORY].name) / FILE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of several, write the groups, and put the longest first, so that all end together."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is None:
        return
    if FILE in workerinput:
        groups = {item.nodeid: group for item in items if (group := group_of(item))}
        Path(workerinput[FILE]).write_text(json.dumps(groups))
    ranks = dict[str, int]()
    for item in items:
        scope = scope_of(item)
        ranks[scope] = min(rank(item), ranks.get(scope, len(LONGEST_FIRST) + 1))
    items.sort(key=lambda item: ranks[scope_of(item)])


def scope_of(item: pytest.Item) -> str:
    """Return what one process runs as a whole: the group, or else the file."""
    return group_of(item) or str(item.path)


def group_of(item: pytest.Item) -> str | None:
    """Return the cluster that the test uses, and whose it is: each directory may have its own. None without one."""
    fixtures = getattr(item, "_fixtureinfo", None)
    if fixtures is None:
        return None
    if "breakable_cluster" in fixtures.name2fixturedefs:
        return f"breakable cluster of {item.path.parent.name}"
    if "cluster" in fixtures.name2fixturedefs:
        owner = PurePosixPath(fixtures.name2fixturedefs["cluster"][-1].baseid).name
        return f"cluster of {owner}, with Rasa" if runs_rasa(item) else f"cluster of {owner}"
    return None


def rank(item: pytest.Item) -> int:
    """Return the place of the group, or else of the file, among those that start early."""
    group = group_of(item)
    if group in LONGEST_FIRST:
        return LONGEST_FIRST.index(group)
    return len(LONGEST_FIRST) + (0 if runs_rasa(item) else 1)


def runs_rasa(item: pytest.Item) -> bool:
    """Return whether Rasa runs in the test."""
    return not set(OF_RASA).isdisjoint(getattr(item, "fixturenames", ()))
