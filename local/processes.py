"""Child processes that log to a file and never outlive the process that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from local import leash


class ProcessFailedError(RuntimeError):
    """A child process ended, or was not ready in time; the message ends with the tail of its log."""


class Leash:
    """Tells `leash.py`, which briefly outlives this process, what to end and remove then."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", leash.__file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def watch(self, child: "subprocess.Popen[bytes]") -> None:
        """Kill the process group of `child` when this process is gone."""
        self._say(f"watch {child.pid}")

    def release(self, child: "subprocess.Popen[bytes]") -> None:
        """Forget a child that has ended."""
        self._say(f"release {child.pid}")

    def remove(self, directory: Path) -> None:
        """Remove `directory` when this process is gone."""
        self._say(f"remove {directory}")

    def remove_cgroup(self, directory: Path) -> None:
        """Remove the control group and its subgroups when this process and those in the group are gone."""
        self._say(f"cgroup {directory}")

    def close(self) -> None:
        """Act at once: kill and remove everything that was registered and not released."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


class Child:
    """A running process, in its own process group; its output goes to `log`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        leash: Leash,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._leash = leash
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=directory,
                start_new_session=True,
            )
        leash.watch(self._process)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def must_run(self) -> None:
        """Check that the process runs. Raises ProcessFailedError if it has ended."""
        if not self.running:
            raise ProcessFailedError(f"{self.name} ended by itself; its log ends:\n{self.log_tail()}")

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until `ready` returns True. Raises ProcessFailedError if the process ends first, or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.must_run()
            if time.monotonic() > deadline:
                raise ProcessFailedError(
                    f"{self.name} is not {what} after {seconds:.0f} s; its log ends:\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def stop(self, patience: float = 0) -> None:
        """End the whole process group: ask it to end, wait that many seconds, if any, then kill it."""
        if patience > 0:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._leash.release(self._process)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
