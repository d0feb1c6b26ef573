"""The control groups of a node are found and created, whichever version the machine has."""

from pathlib import Path

from local.leash import remove_cgroup
from local.node.cgroups import Cgroups, hierarchies

VERSION_1 = """\
tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
VERSION_2 = """\
cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0
cgroup2 /mnt/somewhere/else cgroup2 rw 0 0
"""


def test_all_hierarchies_of_version_1_are_found_and_the_unified_one_beside_them() -> None:
    assert [path.name for path in hierarchies(VERSION_1)] == ["cpu", "memory", "unified"]


def test_the_one_hierarchy_of_version_2_is_found() -> None:
    assert hierarchies(VERSION_2) == [Path("/sys/fs/cgroup")]


def test_a_machine_without_control_groups_has_none() -> None:
    assert hierarchies("proc /proc proc rw 0 0\n") == []


def test_the_node_gets_the_controllers_that_the_machine_offers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")

    Cgroups("rasa-node-0", [tmp_path]).make()

    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpuset +pids"


def test_nothing_is_switched_where_no_controllers_are_offered(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("\n")
    (tmp_path / "cgroup.subtree_control").write_text("")

    Cgroups("rasa-node-0", [tmp_path]).make()

    assert (tmp_path / "cgroup.subtree_control").read_text() == ""


def test_the_programs_of_the_node_have_a_group_beside_those_of_the_pods(tmp_path: Path) -> None:
    cgroups = Cgroups("rasa-node-0", [tmp_path])
    cgroups.make()

    assert cgroups.entrances == [tmp_path / "rasa-node-0" / "system" / "cgroup.procs"]
    assert (tmp_path / "rasa-node-0" / "system").is_dir()


def test_a_group_is_removed_with_those_below_it(tmp_path: Path) -> None:
    (tmp_path / "rasa-node-0" / "kubepods" / "pod").mkdir(parents=True)

    remove_cgroup(tmp_path / "rasa-node-0")

    assert list(tmp_path.iterdir()) == []


def test_a_group_in_use_stays_and_its_processes_are_counted(tmp_path: Path) -> None:
    cgroups = Cgroups("rasa-node-0", [tmp_path], patience=0)
    cgroups.make()
    cgroups.entrances[0].write_text("17\n18\n")

    assert cgroups.remove() == 2
