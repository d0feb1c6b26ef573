"""Which process runs which test, if several processes share them: a cluster has one process, and is started once.

A control plane takes about a twentieth of a core while it runs, so that one for each process and each kind of cluster
would take more than the tests on it. Tests that use the same kind of cluster therefore form a group, which one process
runs from beginning to end; those in which Rasa runs are a second one, as both together would take longest. All others
are shared file by file, so that the fixtures of a module are made once.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadgroup import LoadGroupScheduling

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


class GroupsAndFiles(LoadGroupScheduling):  # type: ignore[misc]  # xdist brings no types
    """Gives each process whole groups, and whole files of tests that are in none."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the group, which xdist appends to the name of a test, or the file."""
        group = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupsAndFiles | None:
    """Replace what `--dist=loadgroup` stands for; others stay as they are."""
    return GroupsAndFiles(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)  # before xdist, which reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of several, name the group of each test, and put the longest first, so that all end together."""
    if not hasattr(config, "workerinput"):
        return
    ranks = dict[str, int]()
    for item in items:
        group = group_of(item)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))
        scope = scope_of(item)
        ranks[scope] = min(rank(item, group), ranks.get(scope, len(LONGEST_FIRST) + 1))
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


def rank(item: pytest.Item, group: str | None) -> int:
    """Return the place of the group, or else of the file, among those that start early."""
    if group in LONGEST_FIRST:
        return LONGEST_FIRST.index(group)
    return len(LONGEST_FIRST) + (0 if runs_rasa(item) else 1)


def runs_rasa(item: pytest.Item) -> bool:
    """Return whether Rasa runs in the test."""
    return not set(OF_RASA).isdisjoint(getattr(item, "fixturenames", ()))
