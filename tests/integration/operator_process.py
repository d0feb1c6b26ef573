"""The operator as a separate process, as its container starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from local.processes import Leash
from tests import loopback
from tests.api.api_server import wait_until

COMMAND = (sys.executable, "-m", "rasa_environments", "run")
SHORT_INTERVALS = ("--model-server-interval", "500ms", "--served-interval", "1s", "--resync-interval", "5s")
SIMULATED_PODS = ("--accept-unchecked",)
"""Simulated pods cannot be asked what they serve."""
STOP_SECONDS = 20.0


class OperatorProcess:
    """One operator; its log goes to a file that grows over restarts."""

    def __init__(self, kubeconfig: Path, log: Path, leash: Leash, *flags: str) -> None:
        self.log = log
        self._command = [*COMMAND, "--kubeconfig", str(kubeconfig), "--address", "127.0.0.1", "--port", "0", *flags]
        self._leash = leash
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def launch(self, **variables: str) -> None:
        """Starts the process and returns at once."""
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RASA_ENVIRONMENTS_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, **variables},
                start_new_session=True,
            )
        self._leash.watch(self._process)

    def start(self) -> None:
        """Start the process, and wait until it is ready: everything is listed, and it works."""
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until everything is listed, and it works."""
        self.wait_until(lambda: self.answer("/readyz").status_code == 200, "ready")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, by default with SIGTERM as the kubelet does; return the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(STOP_SECONDS)
        self._leash.release(self._process)
        self._process = None
        return code

    def wait(self, seconds: float) -> int:
        """Return the exit code once it has ended by itself."""
        assert self._process is not None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"the operator has not ended in {seconds:.0f} s; its log ends:\n{self.tail()}"
            ) from None
        self._leash.release(self._process)
        self._process = None
        return code

    def kill(self) -> None:
        """Kill it (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._leash.release(self._process)
            self._process = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """The address of health and metrics, once it is in the log."""
        found = re.search(r"health and metrics are served at port (\d+)", self.logged())
        assert found is not None, f"it does not say its port:\n{self.tail()}"
        return f"http://127.0.0.1:{found[1]}"

    def answer(self, path: str) -> httpx.Response:
        """Return its response; status 503 while it does not listen yet."""
        if "served at port" not in self.logged():
            return httpx.Response(503)
        return loopback.get(self.url + path, timeout=10)

    def passes(self, kind: str) -> int:
        """Return how many reconciliations of a kind it has completed."""
        counted = re.findall(
            rf'^rasa_environments_reconcile_total{{kind="{kind}",[^}}]*}} ([0-9.e+]+)$',
            self.answer("/metrics").text,
            re.MULTILINE,
        )
        return sum(int(float(number)) for number in counted)

    def wait_for_passes(self, kind: str, more: int) -> None:
        """Wait for this many more reconciliations of a kind, after which all effects of an event have happened."""
        goal = self.passes(kind) + more
        self.wait_until(lambda: self.passes(kind) >= goal, f"done with {more} passes over a {kind}")

    def logged(self) -> str:
        """Return everything logged since its last start."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def tail(self, lines: int = 25) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until the condition holds; fail if the process ends first, or after a timeout."""

        def looked() -> bool:
            assert self.running, f"the operator has ended; its log ends:\n{self.tail()}"
            return holds()

        try:
            wait_until(looked, f"the operator to be {what}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; its log ends:\n{self.tail()}") from None


def start_together(*operators: OperatorProcess) -> None:
    """Start several operators at once, and wait until all are ready."""
    for operator in operators:
        operator.launch()
    for operator in operators:
        operator.wait_until_ready()
