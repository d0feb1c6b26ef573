"""The directory outside of the checkout for results that take minutes to make, and a lock for making them."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.progress import ELLIPSIS, Progress


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return `RASA_ENVIRONMENTS_CACHE`, else `rasa-environments` in the user's cache (XDG Base Directory)."""
    chosen = environment.get("RASA_ENVIRONMENTS_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rasa-environments"


@contextmanager
def locked(path: Path, purpose: str, progress: Progress) -> Iterator[None]:
    """Hold the lock file against other processes; report which process it waits for, if any."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for process {_holder(file)}, which is also {purpose} {ELLIPSIS}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def make_once(target: Path, purpose: str, progress: Progress, make: Callable[[Path], None]) -> Path:
    """Return `target`, which `make` fills under another name first, so that it exists either completely or not at all.

    `make` gets the path that it has to create, a file or a directory. `purpose` completes "process N is ...".
    """
    if target.exists():
        return target
    with locked(target.parent / f".{target.name}.lock", purpose, progress):
        if not target.exists():
            scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            try:
                make(scratch / target.name)
                (scratch / target.name).rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return target


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "of another user"
