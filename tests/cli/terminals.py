"""A terminal of 80 columns and 24 lines, in which a command runs in a process of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

LINES, COLUMNS = 24, 80
PATIENCE_SECONDS = 60.0
CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_a_terminal(
    arguments: list[str], kubeconfig: Path, *, until: Callable[[str], bool] | None = None
) -> tuple[int, str]:
    """Return the exit code and what the command wrote to the terminal, without control sequences.

    With `until`, it is interrupted as by Ctrl-C as soon as that is true of what it wrote.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    hidden = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "rasa_environments", *arguments, "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        try:
            written = _read(ours, process, until)
            return process.wait(PATIENCE_SECONDS), written
        finally:
            process.kill()
            os.close(ours)


def _read(terminal: int, process: subprocess.Popen[bytes], until: Callable[[str], bool] | None) -> str:
    content = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], PATIENCE_SECONDS)
        assert ready, f"nothing more was written: {content.decode()[-500:]}"
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other side is closed
            piece = b""
        content += piece
        text = CONTROL_SEQUENCE.sub("", content.decode(errors="replace")).replace("\r\n", "\n")
        if not piece:
            return text
        if until is not None and until(text):
            process.send_signal(signal.SIGINT)
            until = None
