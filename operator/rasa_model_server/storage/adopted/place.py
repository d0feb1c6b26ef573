"""Opening the bucket or directory that `--adopt` names, and where the server keeps its own objects beside the files."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore

from rasa_model_server.storage.opening import (
    FILE,
    MEMORY,
    REMOTE,
    Storage,
    StorageError,
    directory_of,
    first_line,
    open_remote,
    open_storage,
)

OWN_PREFIX = ".rasa-model-server"
"""Below the adopted URL: tags, uploaded models and the index. Nothing else is written there."""

_OPTION = "--adopt"


def open_adopted(location: str) -> Storage:
    """Open the bucket or directory whose `*.tar.gz` files are served. Nothing is created or changed in it.

    Raises StorageError if it is no readable directory, or the URL is not understood, or has more in it than a place.
    """
    directory = directory_of(location)
    if directory is not None:
        return _open_directory(directory)
    scheme = location.partition("://")[0]
    if scheme == MEMORY or scheme not in REMOTE:
        raise StorageError(
            f"{_OPTION} {scheme}:// is not a kind of store that has model files: give a directory, "
            "s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
        )
    parts = urlsplit(location)
    # abfs://container@account.dfs.core.windows.net is a place alone.
    user = parts.password if scheme in ("abfs", "abfss") else parts.username
    if user is not None or parts.query or parts.fragment:
        raise StorageError(
            f"{_OPTION} {scheme}://{parts.hostname or ''}{parts.path}: leave out what is before @ and after ?: "
            "credentials belong in the variables of the store (AWS_*, GOOGLE_*, AZURE_*)"
        )
    return open_remote(location, scheme, _OPTION)


def open_own(storage: str | None, adopted: str | None) -> Storage:
    """Open the store of the server's own objects: at `--storage`, else below the adopted URL.

    Raises StorageError if neither is given, or the adopted files are at a place where this server writes and sweeps.
    """
    if adopted is None:
        if storage is None:
            raise StorageError(
                "--storage is missing: give a directory or s3://bucket/prefix, or give --adopt to serve what is there"
            )
        return open_storage(storage)
    if storage is None:
        return open_storage(f"{adopted.rstrip('/')}/{OWN_PREFIX}")
    own, theirs = _steps(storage), _steps(adopted)
    if theirs[: len(own)] == own:
        raise StorageError(
            f"--storage is {'where' if own == theirs else 'above where'} the files of --adopt are, which this server "
            f"must not write to: leave --storage out for {OWN_PREFIX} beside the files, or give another place"
        )
    return open_storage(storage)


def _open_directory(path: Path) -> Storage:
    try:
        if not path.is_dir():
            raise StorageError(
                f"{_OPTION} {path}: there is no such directory: give the one that the model files are in"
            )
        if not os.access(path, os.R_OK | os.X_OK):
            raise StorageError(f"{_OPTION} {path}: permission denied: give a directory that this user may read")
        return Storage(LocalStore(path), str(path), path)
    except (OSError, BaseError) as error:
        raise StorageError(f"{_OPTION} {path}: {first_line(error)}") from None


def _steps(location: str) -> tuple[str, ...]:
    """Return a location as steps, of which those of a place below it are the continuation."""
    directory = directory_of(location)
    if directory is not None:
        return (FILE, *directory.resolve().parts)
    parts = urlsplit(location)
    kind = {"s3a": "s3"}.get(parts.scheme, parts.scheme)
    return ("az" if kind.startswith(("az", "abfs")) else kind, parts.netloc, *filter(None, parts.path.split("/")))
