"""Cleans up after a process that dies without a chance to do so itself, `kill -9` included.

Run as a program by `local.processes.Leash`. Its standard input closes when the process at the other end is gone.
(PR_SET_PDEATHSIG would follow the thread that started the child instead of the process, and exists on Linux only.)
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def follow(lines: Iterable[str]) -> None:
    """Read `watch GROUP`, `release GROUP`, `remove DIRECTORY`, `keep DIRECTORY` and `cgroup DIRECTORY` lines.

    Act at the end of the input: on process groups first, then on control groups, which wait for their processes to end,
    then on directories.
    """
    groups: set[int] = set()
    cgroups: list[Path] = []
    directories: set[str] = set()
    for line in lines:
        verb, _, value = line.rstrip("\n").partition(" ")
        match verb:
            case "watch":
                groups.add(int(value))
            case "release":
                groups.discard(int(value))
            case "remove":
                directories.add(value)
            case "keep":
                directories.discard(value)
            case "cgroup":
                cgroups.append(Path(value))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for cgroup in cgroups:
        remove_cgroup(cgroup)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def remove_cgroup(cgroup: Path, patience: float = 20) -> None:
    """Remove a control group and its subgroups; wait that many seconds for killed processes in them to end."""
    deadline = time.monotonic() + patience
    while cgroup.is_dir():
        for directory, _, _ in os.walk(cgroup, topdown=False):
            with suppress(OSError):
                Path(directory).rmdir()
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    follow(sys.stdin)
