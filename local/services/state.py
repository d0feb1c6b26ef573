"""A private directory for what a service writes, which goes with the processes that use it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.processes import Leash


@dataclass(frozen=True)
class State:
    """Where a service writes, and the leash that its processes are on."""

    directory: Path
    leash: Leash

    @property
    def log(self) -> Path:
        """Where the service logs."""
        return self.directory / "log"

    def write(self, name: str, text: str) -> Path:
        """Writes a file that only its owner may read; returns its path."""
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path


@contextmanager
def temporary_state(name: str) -> Iterator[State]:
    """Ends the processes and removes the directory after the block, or when this process is gone."""
    leash = Leash()
    try:
        directory = Path(tempfile.mkdtemp(prefix=f"rasa-environments-{name}-"))
        leash.remove(directory)
        yield State(directory, leash)
    finally:
        leash.close()
