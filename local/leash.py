"""Ends what a process left running if that process dies without a chance to do so itself, `kill -9` included.

Run as a program by `local.processes.Leash`. Its standard input closes when the process at the other end is gone.
(PR_SET_PDEATHSIG would follow the thread that started the child instead of the process, and exists on Linux only.)
"""

import os
import shutil
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress


def follow(lines: Iterable[str]) -> None:
    """Takes `watch GROUP`, `release GROUP`, `remove DIRECTORY` and `keep DIRECTORY`; acts when the lines end."""
    groups: set[int] = set()
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
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    follow(sys.stdin)
