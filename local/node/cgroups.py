"""The control groups of a node, in every hierarchy of the machine, of version 1 or 2."""

import os
from collections.abc import Iterable
from pathlib import Path

from local.leash import remove_cgroup

CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
"""Controllers that the kubelet needs (kubernetes.io, "Container Runtimes", cgroup drivers)."""

ROOT = Path("/sys/fs/cgroup")
SYSTEM = "system"
"""The group of the node's own programs, beside those of the pods."""


class CgroupsUnusableError(RuntimeError):
    """The machine's control groups cannot be used for a node; the message says why."""


def hierarchies(mounts: str, root: Path = ROOT) -> list[Path]:
    """Return the mount points of the hierarchies: version 1, version 2, or both on hybrid systems.

    `mounts` is the content of /proc/mounts (man 5 fstab).
    """
    entries = [line.split() for line in mounts.splitlines()]
    found = [Path(entry[1]) for entry in entries if entry[2] in ("cgroup", "cgroup2")]
    return [path for path in found if root in (path, path.parent)]


class Cgroups:
    """The groups of one node, all called `name`; its processes get `patience` seconds to end."""

    def __init__(self, name: str, roots: Iterable[Path] | None = None, patience: float = 20) -> None:
        found = hierarchies(Path("/proc/mounts").read_text()) if roots is None else roots
        self.name = name
        self._patience = patience
        self.directories = [root / name for root in found]

    def make(self) -> None:
        """Create them, with all controllers that the kubelet needs. Raises CgroupsUnusableError."""
        for directory in self.directories:
            try:
                directory.mkdir(exist_ok=True)
                _inherit(directory)
                (directory / SYSTEM).mkdir(exist_ok=True)
                _inherit(directory / SYSTEM)
            except OSError as error:
                raise CgroupsUnusableError(f"{directory} cannot be made: {error.strerror}") from error

    @property
    def entrances(self) -> list[Path]:
        """The files to which a process writes "0" to join the group of the node's own programs."""
        return [directory / SYSTEM / "cgroup.procs" for directory in self.directories]

    def remove(self) -> int:
        """Remove them once all processes in them have ended; return how many have not, after the timeout."""
        for directory in self.directories:
            remove_cgroup(directory, self._patience)
        return sum(len(file.read_text().split()) for directory in self.directories for file in _members(directory))


def _members(directory: Path) -> list[Path]:
    return [Path(folder) / "cgroup.procs" for folder, _, files in os.walk(directory) if "cgroup.procs" in files]


def _inherit(directory: Path) -> None:
    """Give a new group what its parent has: the processors in version 1, the controllers in version 2."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        own, parents = directory / name, directory.parent / name
        if own.exists() and parents.exists() and not own.read_text().strip():
            own.write_text(parents.read_text())
    offered, switch = directory.parent / "cgroup.controllers", directory.parent / "cgroup.subtree_control"
    if offered.exists():
        missing = {*CONTROLLERS} & {*offered.read_text().split()} - {*switch.read_text().split()}
        if missing:
            switch.write_text(" ".join(f"+{controller}" for controller in sorted(missing)))
