"""Everything that a machine lacks for a real node is reported at once, with remedies."""

from pathlib import Path

import pytest

from local.node.requirements import TOOLS, missing

MOUNTS = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """/proc of a suitable machine."""
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "filesystems").write_text("nodev\ttmpfs\nnodev\toverlay\n\text4\n")
    (folder / "mounts").write_text(MOUNTS)
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A search path with all tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).touch(mode=0o755)
    return folder


def test_a_machine_that_has_all_lacks_nothing(processes: Path, path: Path) -> None:
    assert missing(0, processes, str(path)) == []


def test_all_that_is_missing_is_reported_at_once(processes: Path, path: Path) -> None:
    (processes / "filesystems").write_text("\text4\n")
    (processes / "mounts").write_text("")
    (path / "ip").unlink()

    reasons = missing(1000, processes, str(path))

    assert [reason.partition(",")[0].partition(":")[0] for reason in reasons] == [
        "this user is not root",
        "there is no `ip` on PATH",
        "the kernel has no overlayfs",
        "no control groups are mounted at /sys/fs/cgroup",
    ]


def test_each_missing_tool_is_reported_with_its_package(processes: Path, path: Path) -> None:
    (path / "ip").unlink()

    assert missing(0, processes, str(path)) == ["there is no `ip` on PATH: apt-get install iproute2"]


def test_a_machine_without_linux_hears_that_alone(processes: Path) -> None:
    [reason] = missing(None, processes)

    assert "this is no Linux" in reason
