"""Small JSON files of one type in a directory, each parsed once until it changes.

The store would read a file in two calls, each of which goes to another thread and back. That was half the CPU time of a
pull check, which reads two records, and most of the first listing of many models.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from obstore.exceptions import GenericError

Record = TypeVar("Record")

SUFFIX = ".json"


class RecordFiles(Generic[Record]):
    """The files `<directory>/<name>.json`.

    Every write replaces the file by a new one, so its inode changes even where size and time do not.
    """

    def __init__(self, directory: Path, decode: Callable[[str, bytes], Record | None]) -> None:
        self._directory = directory
        self._decode = decode
        self._known: dict[str, tuple[tuple[int, int, int], Record | None]] = {}

    def get(self, name: str) -> Record | None:
        """Return the record, or None if there is none. Raises GenericError, as the store does, if it cannot be read.

        An unchanged file costs one stat, some microseconds: less than asking another thread to do it.
        """
        path = f"{self._directory}/{name}{SUFFIX}"
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path would take longer than the stat
            known = self._known.get(name)
            if known is not None and known[0] == _version(status):
                return known[1]
            if not stat.S_ISREG(status.st_mode):
                return None
            return self._read(name, path)
        except (FileNotFoundError, NotADirectoryError):
            self.forget(name)
            return None
        except OSError as error:
            raise GenericError(str(error)) from error

    def all(self) -> list[Record]:
        """Return all records, in no order. Raises GenericError if one cannot be read. May run in another thread."""
        try:
            files = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            files = []
        except OSError as error:
            raise GenericError(str(error)) from error
        names = {file.removesuffix(SUFFIX) for file in files if file.endswith(SUFFIX)}
        for name in set(self._known) - names:
            self.forget(name)
        return [record for record in map(self.get, names) if record is not None]

    def forget(self, name: str) -> None:
        """Read the file again when it is asked for next: this process has changed it."""
        self._known.pop(name, None)

    def _read(self, name: str, path: str) -> Record | None:
        with Path(path).open("rb") as file:
            version = _version(os.fstat(file.fileno()))
            record = self._decode(path, file.read())
        self._known[name] = (version, record)
        return record


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size
