"""The clusters of this user that run, by their names: who supervises each, and what clients need of it."""

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


class ClusterMissing(RuntimeError):
    """There is no cluster of that name."""


class ClusterExists(RuntimeError):
    """There is a cluster of that name already, or it cannot have that name."""


def already_there(name: str) -> ClusterExists:
    """What to raise where the name is taken."""
    return ClusterExists(f"there is a cluster {name} already: `kind delete cluster --name {name}` ends it")


class State(BaseModel):
    """What a running cluster says of itself, when it is ready: `boots` counts how often its node was started.

    `boot_pid` is the first process of its node, as this machine numbers it.
    """

    server: str
    kubeconfig: Path
    audit_log: Path
    boots: int
    boot_pid: int


@dataclass(frozen=True)
class Place:
    """Where a cluster of a name keeps what it has; the lock is held as long as the cluster is supervised."""

    name: str
    root: Path

    @property
    def directory(self) -> Path:
        """All files of the cluster. It is gone when the cluster is."""
        return self.root / self.name

    @property
    def log(self) -> Path:
        """What the supervisor says."""
        return self.root / f"{self.name}.log"

    @property
    def lock(self) -> Path:
        """Names the process that supervises the cluster."""
        return self.root / f"{self.name}.lock"

    def supervisor(self) -> int | None:
        """The id of the process that supervises the cluster, if any does."""
        if not self.lock.exists():
            return None
        with self.lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
        return None

    def state(self) -> State | None:
        """What the cluster says of itself, if it is ready."""
        try:
            return State.model_validate_json((self.directory / "state.json").read_text())
        except FileNotFoundError:
            return None

    def write_state(self, state: State) -> None:
        """Replaces it at once."""
        scratch = self.directory / "state.json.new"
        scratch.write_text(state.model_dump_json())
        scratch.rename(self.directory / "state.json")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Holds the name. Raises ClusterExists where it is taken or is no name."""
        if NAME.fullmatch(self.name) is None:
            raise ClusterExists(f"a cluster cannot be called {self.name!r}: up to 50 of a-z, 0-9 and - make a name")
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
        """The file, with the lock on it.

        Tries again where another has removed the file in between, or has the lock for a moment to look (`supervisor`).
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
    """Where the cluster of that name is, or would be."""
    return Place(name, cache_directory(environment) / "nodes")


def running(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The names of the clusters that are supervised."""
    locks = sorted(place_of("any", environment).root.glob("*.lock"))
    return [lock.stem for lock in locks if Place(lock.stem, lock.parent).supervisor() is not None]


def ready_cluster(name: str, environment: Mapping[str, str] = os.environ) -> State:
    """What the cluster says of itself. Raises ClusterMissing."""
    place = place_of(name, environment)
    state = place.state()
    if place.supervisor() is None or state is None:
        others = ", ".join(running(environment)) or "none"
        raise ClusterMissing(f"there is no cluster {name} that is ready; there is: {others}")
    return state
