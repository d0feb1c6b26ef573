"""What a machine needs for a real node to run on it."""

import os
import shutil
import sys
from pathlib import Path

from local.node.cgroups import hierarchies
from local.node.programs import NodeUnavailableError

TOOLS = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
"""Required programs of the machine, and the Debian packages that provide them."""

HINT = "Docker's kind runs the same tests, where there is Docker: CLUSTER=kind."


def require_a_fit_machine() -> None:
    """Check the machine. Raises NodeUnavailableError, which lists everything that is missing."""
    reasons = missing(os.geteuid() if sys.platform == "linux" else None, Path("/proc"))
    if reasons:
        listed = "\n".join(f"- {reason}" for reason in reasons)
        raise NodeUnavailableError(f"a real node cannot run here:\n{listed}\n{HINT}")


def missing(user: int | None, processes: Path, path: str | None = None) -> list[str]:
    """Return what is missing, why it is needed and what to do; `user` is None without Linux.

    `processes` is the mount point of /proc; `path` is the search path for tools, PATH by default.
    """
    if user is None:
        return ["this is no Linux, whose namespaces and control groups pods are made of"]
    reasons = []
    if user != 0:
        reasons.append("this user is not root, who alone may make networks and mounts: use `sudo -E`")
    absent = {package: tool for tool, package in TOOLS.items() if shutil.which(tool, path=path) is None}
    reasons += [f"there is no `{tool}` on PATH: apt-get install {package}" for package, tool in absent.items()]
    if "overlay" not in (processes / "filesystems").read_text().split():
        reasons.append("the kernel has no overlayfs, on which containers' file systems are: modprobe overlay")
    if not hierarchies((processes / "mounts").read_text()):
        reasons.append("no control groups are mounted at /sys/fs/cgroup, which limit containers: mount them")
    return reasons
