"""A private directory for the files of a service, which is removed with the processes that use it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.processes import Leash


@dataclass(frozen=True)
class State:
    """The directory of a service, and the leash of its processes."""

    directory: Path
    leash: Leash

    @property
    def log(self) -> Path:
        """The log of the service."""
        return self.directory / "log"

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read; return its path."""
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path


@contextmanager
def temporary_state(name: str) -> Iterator[State]:
    """End the processes and remove the directory after the block, or when this process is gone."""
    leash = Leash()
    try:
        directory = Path(tempfile.mkdtemp(prefix=f"rasa-environments-{name}-"))
        leash.remove(directory)
        yield State(directory, leash)
    finally:
        leash.close()
