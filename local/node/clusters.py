"""The running clusters of this user by name: their supervisors, and what clients need."""

import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel

from local.cache import cache_directory

LOOK_SECONDS = 0.02

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")


class ClusterMissingError(RuntimeError):
    """There is no cluster of that name."""


class ClusterExistsError(RuntimeError):
    """A cluster of that name exists already, or the name is invalid."""


def already_there(name: str) -> ClusterExistsError:
    """Return the error for a name that is taken."""
    return ClusterExistsError(f"there is a cluster {name} already: `kind delete cluster --name {name}` ends it")


class State(BaseModel):
    """The state that a ready cluster reports; `boots` counts the starts of its node.

    `boot_pid` is the first process of its node, by its id on this machine.
    """

    server: str
    kubeconfig: Path
    audit_log: Path
    boots: int
    boot_pid: int


@dataclass(frozen=True)
class Place:
    """The files of a cluster by name; the lock is held as long as the cluster is supervised."""

    name: str
    root: Path

    @property
    def directory(self) -> Path:
        """The directory of the cluster's files, which exists as long as the cluster."""
        return self.root / self.name

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.root / f"{self.name}.log"

    @property
    def lock(self) -> Path:
        """The file that names the supervising process."""
        return self.root / f"{self.name}.lock"

    def supervisor(self) -> int | None:
        """Return the id of the process that supervises the cluster, or None."""
        if not self.lock.exists():
            return None
        with self.lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
        return None

    def state(self) -> State | None:
        """Return the state that the cluster reports; None until it is ready."""
        try:
            return State.model_validate_json((self.directory / "state.json").read_text())
        except FileNotFoundError:
            return None

    def write_state(self, state: State) -> None:
        """Replace the state atomically."""
        scratch = self.directory / "state.json.new"
        scratch.write_text(state.model_dump_json())
        scratch.rename(self.directory / "state.json")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the name. Raises ClusterExistsError if it is taken or invalid."""
        if NAME.fullmatch(self.name) is None:
            raise ClusterExistsError(
                f"a cluster cannot be called {self.name!r}: up to 50 of a-z, 0-9 and - make a name"
            )
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._open_lock() as file:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                self.lock.unlink()

    def _open_lock(self) -> IO[str]:
        """Return the lock file, locked.

        Retries if another process has removed the file in between, or has briefly locked it for inspection
        (`supervisor`).
        """
        while True:
            file = self.lock.open("a+")
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(file, self.lock):
                    return file
            file.close()
            if self.supervisor() is not None:
                raise already_there(self.name)
            time.sleep(LOOK_SECONDS)


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def place_of(name: str, environment: Mapping[str, str] = os.environ) -> Place:
    """Return the place of the cluster of that name, whether it exists or not."""
    return Place(name, cache_directory(environment) / "nodes")


def running(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of the supervised clusters."""
    locks = sorted(place_of("any", environment).root.glob("*.lock"))
    return [lock.stem for lock in locks if Place(lock.stem, lock.parent).supervisor() is not None]


def ready_cluster(name: str, environment: Mapping[str, str] = os.environ) -> State:
    """Return the state that the cluster reports. Raises ClusterMissingError."""
    place = place_of(name, environment)
    state = place.state()
    if place.supervisor() is None or state is None:
        others = ", ".join(running(environment)) or "none"
        raise ClusterMissingError(f"there is no cluster {name} that is ready; there is: {others}")
    return state
