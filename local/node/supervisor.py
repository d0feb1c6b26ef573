"""Keeps a named cluster running until a signal ends it.

`python -m local.node.supervisor NAME` does so in the background, for `local/bin/kind`. SIGTERM and SIGINT end the
cluster, and SIGUSR1 restarts its node.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from local.binaries import BinariesUnavailableError
from local.images import ImageUnavailableError
from local.node.cgroups import CgroupsUnusableError
from local.node.cluster import NodeCluster
from local.node.clusters import ClusterExistsError, ClusterMissingError, Place, State, already_there, place_of
from local.node.programs import NodePrograms, NodeUnavailableError, find_or_build_node
from local.node.requirements import require_a_fit_machine
from local.processes import ProcessFailedError
from local.progress import ConsoleProgress, Progress

ROOT = Path(__file__).parents[2]

FAILURES = (
    BinariesUnavailableError,
    CgroupsUnusableError,
    ClusterExistsError,
    ClusterMissingError,
    ImageUnavailableError,
    NodeUnavailableError,
    ProcessFailedError,
)
"""Errors that the user can fix, or has to know about; each message says how."""

TICK_SECONDS = 0.5
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 180.0


def supervise(name: str, programs: NodePrograms, progress: Progress, ready: Callable[[State], None]) -> None:
    """Start the cluster, call `ready`, keep it until a KeyboardInterrupt, then remove it.

    Raises ClusterExistsError, ProcessFailedError, CgroupsUnusableError or ImageUnavailableError.
    """
    place = place_of(name)
    wanted: list[int] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGUSR1, lambda number, _: wanted.append(number))
    with place.claimed():
        if place.directory.exists():
            progress(f"removing what the last cluster {name} left when this machine went down")
            shutil.rmtree(place.directory)
        cluster = NodeCluster(name, place.directory, programs, progress)
        started = time.monotonic()
        try:
            state = cluster.start()
            place.write_state(state)
            progress(f"cluster {name} ready in {time.monotonic() - started:.0f} s: {state.server}")
            ready(state)
            while True:
                cluster.tend()
                if wanted:
                    wanted.clear()
                    place.write_state(cluster.restart_node())
                time.sleep(TICK_SECONDS)  # since signal.pause() would sleep through a signal that came just before it
        finally:
            cluster.stop()


def start_in_background(name: str, progress: Progress) -> State:
    """Start a supervisor of a new cluster, which outlives this process; return once the cluster is ready.

    Raises ClusterExistsError, or ProcessFailedError with the supervisor's output if it gave up.
    """
    place = place_of(name)
    if place.supervisor() is not None:
        raise already_there(name)
    place.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    progress(f"starting the cluster {name} …")
    with place.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.node.supervisor", name],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _wait(place, lambda: place.state() if process.poll() is None else None, lambda: process.poll() is None)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def restart_node(name: str) -> State:
    """Restart the node of a running cluster; return once it is ready.

    Raises ClusterMissingError or ProcessFailedError.
    """
    place = place_of(name)
    pid, before = place.supervisor(), place.state()
    if pid is None or before is None:
        raise ClusterMissingError(f"there is no cluster {name} that is ready")
    _signal(pid, signal.SIGUSR1)

    def restarted() -> State | None:
        state = place.state()
        return state if state is not None and state.boots > before.boots else None

    return _wait(place, restarted, lambda: place.supervisor() is not None)


def end(name: str) -> bool:
    """End a running cluster and wait until nothing of it is left; return whether there was one.

    Raises ProcessFailedError.
    """
    place = place_of(name)
    pid = place.supervisor()
    if pid is None:
        forget(place)
        return False
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while place.supervisor() is not None or place.directory.exists():
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"process {pid} does not end the cluster {name}; it says:\n{_said(place)}")
        time.sleep(POLL_SECONDS)
    forget(place)
    return True


def forget(place: Place) -> None:
    """Remove the files beside a cluster's directory, and that directory too if its supervisor was killed."""
    for path in (place.log, place.lock):
        path.unlink(missing_ok=True)


def _wait(place: Place, ready: Callable[[], State | None], alive: Callable[[], bool]) -> State:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (state := ready()) is None:
        if not alive():
            raise ProcessFailedError(f"the cluster {place.name} gave up; its supervisor said:\n{_said(place)}")
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"the cluster {place.name} is not ready; its supervisor said:\n{_said(place)}")
        time.sleep(POLL_SECONDS)
    return state


def _said(place: Place) -> str:
    return "\n".join(place.log.read_text(errors="replace").splitlines()[-40:]) if place.log.exists() else ""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def main(name: str) -> None:
    """Supervise the cluster; all output goes to standard error, which is the log."""
    try:
        require_a_fit_machine()
        with suppress(KeyboardInterrupt), ConsoleProgress() as progress:
            supervise(name, find_or_build_node(progress), progress, lambda _: None)
    except FAILURES as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
