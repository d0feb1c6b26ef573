"""Opening the object store that `--storage` names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

MEMORY = "memory"
FILE = "file"
REMOTE: Mapping[str, str] = {
    "s3": "s3://bucket/prefix",
    "s3a": "s3a://bucket/prefix",
    "gs": "gs://bucket/prefix",
    "az": "az://container/prefix",
    "azure": "azure://container/prefix",
    "abfs": "abfs://container/prefix",
    "abfss": "abfss://container/prefix",
}
_ALLOW_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")
_RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


class StorageError(Exception):
    """The store cannot be opened. Its message is one line that says what to do."""


@dataclass(frozen=True)
class Storage:
    """An open store, its name for logs, and its directory if it has one."""

    store: ObjectStore
    description: str
    directory: Path | None = None


def open_storage(location: str) -> Storage:
    """Open the store at a path, which is created, or at an s3://, gs://, az:// or memory:// URL.

    Credentials of remote stores come from their usual environment variables (AWS_*, GOOGLE_*, AZURE_*). Nothing is
    asked of a remote store yet: whether it answers is for readiness to say.

    Raises StorageError if the directory cannot be created or written, or the URL is not understood.
    """
    directory = directory_of(location)
    if directory is not None:
        return _open_directory(directory)
    scheme = location.partition("://")[0]
    if scheme == MEMORY:
        return Storage(MemoryStore(), "memory (gone when the server stops)")
    if scheme not in REMOTE:
        raise StorageError(
            f"--storage {scheme}:// is not a kind of store this server knows: give a directory, "
            "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or memory://"
        )
    return open_remote(location, scheme, "--storage")


def directory_of(location: str) -> Path | None:
    """Return the directory that a path or a file:// URL names, or None for another URL."""
    scheme, separator, _ = location.partition("://")
    if separator and scheme != FILE:
        return None
    path = Path(unquote(urlsplit(location).path)) if separator else Path(location)
    return path.expanduser().absolute()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, without the query of any URL, which may hold a signature."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return " ".join(word.partition("?")[0] + "?..." if "://" in word and "?" in word else word for word in line.split())


def _open_directory(directory: Path) -> Storage:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError("permission denied")
        store = LocalStore(directory)
        _close_to_others(directory)
    except (OSError, BaseError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise StorageError(
            f"--storage {directory}: {reason.lower()}: give a directory that this user may write"
        ) from None
    return Storage(store, str(directory), directory)


def _close_to_others(directory: Path) -> None:
    """Take away permissions that an earlier release gave to others. Files of another user are left as they are."""
    for folder in (directory / name for name in ("models", "tags", "environments")):
        for path in (folder, *(folder.glob("*") if folder.name == "environments" else ())):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if not path.is_symlink():
                    path.chmod(0o700 if path.is_dir() else 0o600)


def open_remote(location: str, scheme: str, option: str) -> Storage:
    """Open the store at the URL that the option gives. Nothing is asked of it yet.

    Raises StorageError if the URL names no bucket, or a variable of the store is wrong.
    """
    parts = urlsplit(location)
    shown = f"{scheme}://{parts.hostname or ''}{parts.path}"
    if not parts.hostname:
        raise StorageError(f"{option} {shown} names no bucket: write {REMOTE[scheme]}")
    try:
        store = from_url(location, client_options=_client_options(), retry_config=_RETRY)
    except (BaseError, ValueError) as error:
        raise StorageError(f"{option} {shown}: {first_line(error)}") from None
    return Storage(store, shown)


def _client_options() -> ClientConfig:
    """Return the options of remote stores' HTTP clients.

    The timeout of a request includes its body: a model that a slow reader takes its time over. Options that are given
    here replace all those of the environment, so the one that matters is taken from there.
    """
    allowed = {"1", "true", "yes", "on"}
    return {
        "connect_timeout": timedelta(seconds=5),
        "timeout": timedelta(hours=1),
        "allow_http": any(os.environ.get(variable, "").lower() in allowed for variable in _ALLOW_HTTP),
    }
