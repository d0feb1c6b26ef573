"""Ends what a process left running if that process dies without a chance to do so itself, `kill -9` included.

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
    """Takes `watch GROUP`, `release GROUP`, `remove DIRECTORY`, `keep DIRECTORY` and `cgroup DIRECTORY`.

    Acts when the lines end: on process groups first, then on control groups, which wait for the processes in them to
    be gone, then on directories.
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
    """Removes a control group with those below it; waits that many seconds for killed processes in them to be gone."""
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
