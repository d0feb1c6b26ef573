"""Kills the operator's process at once, as the kernel does when memory runs out: runs in a pod that sees the node's.

Prints a line when it is ready, waits for one, kills, and prints the number of killed processes.
"""

import os
import signal
import sys
from pathlib import Path


def operators() -> list[int]:
    """The process ids of `rasa-environments run` on the node."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if b"run" in words and any(word.endswith(b"/rasa-environments") for word in words):
            found.append(int(directory.name))
    return found


def main() -> None:
    """Kill on request."""
    print("ready", flush=True)
    sys.stdin.readline()
    pids = operators()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    print(f"killed {len(pids)}", flush=True)


if __name__ == "__main__":
    main()
