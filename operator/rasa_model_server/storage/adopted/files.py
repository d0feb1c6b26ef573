"""The `*.tar.gz` directly below the adopted URL: listed, read, and signed URLs of them."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import PreconditionError
from obstore.store import AzureStore, GCSStore, S3Store

from rasa_model_server.names import ARCHIVE_SUFFIX
from rasa_model_server.storage.opening import Storage

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta
    from obstore.store import ObjectStore

SIGNED_FOR = timedelta(minutes=10)
"""How long a signed URL opens a model. Rasa follows it at once, and waits 300 seconds for the whole (agent.py)."""


@dataclass(frozen=True)
class ListedFile:
    """One file as the store lists it. Times are seconds since 1970."""

    path: str
    version: str
    """Changes with the content: the ETag where the store has one."""
    entity_tag: str | None
    size: int
    modified_at: float


class ChangedFileError(Exception):
    """The file is gone, or no longer the one that was listed."""


class AdoptedContent:
    """The bytes of an open file. A `directory` is the store of it, where files can change while they are read."""

    def __init__(self, result: GetResult, file: ListedFile, directory: ObjectStore | None) -> None:
        self._result = result
        self._file = file
        self._directory = directory

    async def stream(self, min_chunk_size: int) -> AsyncIterator[bytes]:
        """Yield the bytes in pieces of about this size.

        Raises ChangedFileError if the file was written to meanwhile. The last piece is held back until that is known.
        """
        held: bytes | None = None
        async for piece in self._result.stream(min_chunk_size=min_chunk_size):
            if held is not None:
                yield held
            held = bytes(piece)
        await self._require_unchanged()
        if held is not None:
            yield held

    async def _require_unchanged(self) -> None:
        if self._directory is None:
            return
        try:
            now = _listed(await obstore.head_async(self._directory, self._file.path))
        except FileNotFoundError:
            return  # A file that is removed while it is open is read to its end all the same.
        if now.version != self._file.version:
            raise ChangedFileError(f"{self._file.path} was written to while it was read")


class AdoptedFiles:
    """Lists, reads and signs URLs of the files in one store."""

    def __init__(self, storage: Storage) -> None:
        self._store = storage.store
        self._directory = storage.directory
        self.description = storage.description

    async def listed(self) -> list[ListedFile]:
        """Return the `*.tar.gz` directly below the URL, the last written first.

        Raises BaseError if the store does not answer.
        """
        result = await obstore.list_with_delimiter_async(self._store)
        found = [_listed(meta) for meta in result["objects"] if meta["path"].endswith(ARCHIVE_SUFFIX)]
        return sorted(found, key=lambda file: (-file.modified_at, file.path))

    async def is_plain(self, file: ListedFile) -> bool:
        """Return whether it is a file itself: no link to any file of the server, and no pipe, which blocks readers."""
        return self._directory is None or await asyncio.to_thread(_is_plain_file, self._directory / file.path)

    async def open(self, file: ListedFile, start: int, end: int) -> AdoptedContent:
        """Open the file as it was listed, to read the bytes from `start` up to, and without, `end`.

        Raises ChangedFileError if it has been removed or replaced.
        """
        if not await self.is_plain(file):
            raise ChangedFileError(f"{file.path} has been removed or replaced")
        options: GetOptions = {"range": (start, end)}
        if file.entity_tag is not None:
            options["if_match"] = file.entity_tag
        try:
            result = await obstore.get_async(self._store, file.path, options=options)
        except (FileNotFoundError, PreconditionError):
            raise ChangedFileError(f"{file.path} has been removed or replaced") from None
        return AdoptedContent(result, file, self._store if self._directory is not None else None)

    async def signed_url(self, file: ListedFile) -> str | None:
        """Return a URL that opens the file to anybody for some minutes, or None if the store signs none."""
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        return await obstore.sign_async(self._store, "GET", file.path, SIGNED_FOR)


def _listed(meta: ObjectMeta) -> ListedFile:
    modified_at = meta["last_modified"].timestamp()
    version = meta["e_tag"] or f"{modified_at}/{meta['size']}"
    return ListedFile(meta["path"], version, meta["e_tag"], meta["size"], modified_at)


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
