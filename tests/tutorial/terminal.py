"""A terminal: one shell that keeps its variables and its background programs from command to command."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

END = "end of the command"
START = "set -m; trap 'kill -- $(jobs -p | sed s/^/-/) 2>/dev/null' EXIT\n"
"""As in an interactive shell, a background program is its own process group; it ends with the shell."""


@dataclass(frozen=True)
class Ran:
    """The output of a command, on screen and as errors, and its exit code."""

    output: str
    exit_code: int


class Terminal:
    """A shell that runs in a directory."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        self._shell = shell

    def run(self, command: str) -> Ran:
        """Run a command to its end, unless it puts itself into the background."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null; printf '\\n{END} %s\\n' $?\n")
        self._shell.stdin.flush()
        lines = list(self._until_end())
        return Ran("".join(lines[:-1]).removesuffix("\n"), int(lines[-1].split()[-1]))

    def _until_end(self) -> Iterator[str]:
        """Return the lines up to the one with the command's exit code."""
        assert self._shell.stdout is not None
        for line in self._shell.stdout:
            yield line
            if line.startswith(END):
                return
        raise AssertionError("the shell has ended")


@contextmanager
def terminal(directory: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Open a terminal in the directory; everything started in it is ended at its end, even if this process dies."""
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert shell.stdin is not None
        shell.stdin.write(START)
        yield Terminal(shell)
    finally:
        with shell:
            shell.send_signal(signal.SIGHUP)
