"""The server as a process of its own, as `python -m rasa_model_server` starts it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-m", "rasa_model_server")
OPEN = "--insecure-no-authentication"


@dataclass(frozen=True)
class ServerProcess:
    """A running process, the line it printed when it began to serve, and the URL in that line."""

    process: subprocess.Popen[str]
    announcement: str
    url: str
    log: Path

    def peak_memory_bytes(self) -> int:
        """The most memory that the process ever had resident (proc_pid_status(5), VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process without settings of a model server, and with these variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RASA_MODEL_SERVER_")}
    return inherited | dict(variables)


@contextlib.contextmanager
def running_process(log: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[ServerProcess]:
    """Start a server on a free port. Its log goes to a file. It is killed at the end, if it has not ended by itself."""
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            [*COMMAND, "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
            env=environment(variables or {}),
        )
    try:
        assert process.stdout is not None
        announcement = process.stdout.readline().rstrip("\n")
        found = re.search(r" on (http://127\.0\.0\.1:\d+)", announcement)
        assert found is not None, log.read_text()
        yield ServerProcess(process, announcement, found[1], log)
    finally:
        process.kill()
        process.communicate()


def failed_start(*arguments: str, variables: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Start a server that is to refuse. Return its exit code and what it wrote to stdout and stderr."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(variables or {}),
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr
