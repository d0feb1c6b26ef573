"""Serving what is in a bucket already: its model files are found, read once, and left as they are.

A scan lists the files every few seconds. Readers take those that are new or changed, the tagged and the last written
first. What they find is kept in memory and in the index; nothing is written where the files are but below the
server's own prefix.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping

from obstore.exceptions import BaseError, GenericError

from rasa_model_server.names import ARCHIVE_SUFFIX
from rasa_model_server.storage.adopted.files import AdoptedContent, AdoptedFiles, ChangedFileError, ListedFile
from rasa_model_server.storage.adopted.index import AdoptionIndex, ReadFile
from rasa_model_server.storage.adopted.reading import ADOPTED, ReadingLimits, read_adopted
from rasa_model_server.storage.documents import Documents
from rasa_model_server.storage.opening import Storage, first_line
from rasa_model_server.storage.records import TAGS, ModelRecord, TagRecord

SCAN_SECONDS = 15.0
"""Between two listings: a new file is found, and mostly read, within a minute of its upload."""
READERS = 2
_RETRY_SECONDS = 5.0
_LAST_SAVE_SECONDS = 5.0
_LOGGED_REFUSALS = 20
"""Of one scan, each in a line of its own."""

_NOT_LISTED = "the adopted files cannot be listed: the log of this server says why"

logger = logging.getLogger(__name__)


class NotReadYetError(GenericError):
    """It is not known yet whether there is such a model. The message says why."""


class Adoption:
    """The models in the adopted files, as of the last scan."""

    def __init__(self, adopted: Storage, own: Storage, limits: ReadingLimits) -> None:
        self._files = AdoptedFiles(adopted)
        self._index = AdoptionIndex(own.store)
        self._tags = Documents(own.store, TAGS, TagRecord, own.directory)
        self._limits = limits
        self._listed: Mapping[str, ListedFile] | None = None
        self._read: dict[str, ReadFile] | None = None
        self._pending: dict[str, ListedFile] = {}
        self._reading: dict[str, ListedFile] = {}
        self._archives: dict[str, str] = {}
        """Path of each model's file, by the key that tags refer to it by."""
        self._replaced: dict[str, str] = {}
        """Hash of the model that was in each file before the file was replaced."""
        self._logged: dict[str, str] = {}
        """Version of each file that a refusal was logged of."""
        self._work = asyncio.Event()
        self._unsaved = False
        self._failure: str | None = "it has not been listed yet"

    def models(self) -> list[ModelRecord]:
        """Return the models that were read.

        Raises NotReadYetError if the files have not been listed yet.
        """
        self._require_listed()
        return [file.model for file in (self._read or {}).values() if file.model is not None]

    def model(self, name: str) -> ModelRecord | None:
        """Return the model of this name, or None if there is no such file, or it is not a model.

        Raises NotReadYetError if the file is being read, or the files have not been listed yet.
        """
        self._require_listed()
        path = name + ARCHIVE_SUFFIX
        if path in self._pending or path in self._reading:
            raise NotReadYetError(f"{path} has been found and is being read: try again in a moment")
        found = (self._read or {}).get(path)
        return found.model if found is not None else None

    def owns(self, archive: str) -> bool:
        """Return whether the key is that of an adopted file."""
        return archive.startswith(f"{ADOPTED}/")

    async def open(self, archive: str, start: int, end: int) -> AdoptedContent:
        """Open the file with this key, to read the bytes from `start` up to, and without, `end`.

        Raises FileNotFoundError if the file has been removed or replaced.
        """
        file = self._file(archive)
        if file is None:
            raise FileNotFoundError(archive)
        try:
            return await self._files.open(file, start, end)
        except ChangedFileError as error:
            raise FileNotFoundError(str(error)) from None

    async def signed_url(self, archive: str) -> str | None:
        """Return a URL that opens the file with this key for some minutes, or None if there is none.

        Raises BaseError if the store has no credentials to sign with.
        """
        file = self._file(archive)
        return await self._files.signed_url(file) if file is not None else None

    def entity_tag(self, archive: str) -> str | None:
        """Return the ETag that the store itself sends with the file, without quotes, or None if there is none."""
        file = self._file(archive)
        return file.entity_tag.strip('"') if file is not None and file.entity_tag is not None else None

    def check(self) -> None:
        """Return if the last listing succeeded.

        Raises NotReadYetError if it failed, or there was none yet.
        """
        if self._failure is not None:
            raise NotReadYetError(_NOT_LISTED)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Scan and read in the background."""
        tasks = [asyncio.create_task(self._scan_for_ever())]
        tasks += [asyncio.create_task(self._read_for_ever()) for _ in range(READERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SAVE_SECONDS):
                    await self._try_to_save()

    async def scan(self) -> None:
        """List the files. What is gone or changed is no model any more, what is new or changed is to be read.

        Raises BaseError if the store does not answer.
        """
        before = self._read if self._read is not None else await self._index.load()
        files = await self._files.listed()
        tagged = {f"{tag.model}{ARCHIVE_SUFFIX}" for tag in await self._tags.all()}
        self._listed = {file.path: file for file in files}
        # A reader may have finished meanwhile.
        before |= self._read or {}
        self._read = {path: read for path, read in before.items() if self._is_current(read)}
        self._unsaved |= len(self._read) < len(before)
        self._replaced = {
            path: hash_ for path, hash_ in (self._replaced | _hashes(before)).items() if self._is_unread(path)
        }
        self._archives = {read.model.archive: path for path, read in self._read.items() if read.model is not None}
        unread = [file for file in files if file.path not in self._read and self._reading.get(file.path) != file]
        self._pending = {file.path: file for file in sorted(unread, key=lambda file: file.path not in tagged)}
        self._log_refusals()
        self._failure = None
        if self._pending:
            self._work.set()

    async def read_next(self) -> bool:
        """Read one file that is to be read. Return False if there is none.

        Raises BaseError if the store does not answer.
        """
        if not self._pending:
            return False
        path = next(iter(self._pending))
        file = self._pending.pop(path)
        self._reading[path] = file
        try:
            self._keep(await read_adopted(self._files, file, self._limits))
        except ChangedFileError as error:
            logger.info("%s: it is read again when it rests", error)
        finally:
            if self._reading.get(path) is file:
                del self._reading[path]
        return True

    async def save(self) -> None:
        """Write the index if there is anything new to write.

        Raises BaseError if the store does not take it.
        """
        if self._unsaved and self._read is not None:
            self._unsaved = False
            try:
                await self._index.save(list(self._read.values()))
            except BaseError:
                self._unsaved = True
                raise

    def _keep(self, read: ReadFile) -> None:
        if self._read is None or not self._is_current(read):
            return
        self._read[read.path] = read
        self._unsaved = True
        if read.model is not None:
            self._archives[read.model.archive] = read.path
        replaced = self._replaced.pop(read.path, None)
        if replaced is not None and (read.model is None or read.model.hash != replaced):
            logger.warning(
                "%s has been replaced: it has lost its tags, and gets them back when they are set", read.path
            )

    def _is_current(self, read: ReadFile) -> bool:
        listed = (self._listed or {}).get(read.path)
        return listed is not None and listed.version == read.version

    def _is_unread(self, path: str) -> bool:
        return path in (self._listed or {}) and path not in (self._read or {})

    def _file(self, archive: str) -> ListedFile | None:
        path = self._archives.get(archive)
        return (self._listed or {}).get(path) if path is not None else None

    def _require_listed(self) -> None:
        if self._listed is None:
            raise NotReadYetError(_NOT_LISTED)

    def _log_refusals(self) -> None:
        """Log each refused file once it has rested from one scan to the next: one that is being written changes."""
        refused = [read for read in (self._read or {}).values() if read.problem is not None]
        unlogged = [read for read in refused if self._logged.get(read.path) != read.version]
        self._logged = {read.path: read.version for read in refused}
        for read in unlogged[:_LOGGED_REFUSALS]:
            logger.warning("%s is not served, because it is not a model: %s", read.path[:200], read.problem)
        if len(unlogged) > _LOGGED_REFUSALS:
            logger.warning(
                "%d more files are not served, because they are not models", len(unlogged) - _LOGGED_REFUSALS
            )

    async def _scan_for_ever(self) -> None:
        while True:
            before = self._failure
            try:
                await self.scan()
            except (BaseError, OSError) as error:
                self._failure = first_line(error)
                logger.warning("%s cannot be listed: %s", self._files.description, self._failure)
            except Exception as error:
                self._failure = type(error).__name__
                logger.exception("%s cannot be listed", self._files.description)
            else:
                if before is not None:
                    found, unread = len(self._listed or {}), len(self._pending)
                    logger.info("%s has %d files, %d of them to be read", self._files.description, found, unread)
                await self._try_to_save()
            await asyncio.sleep(SCAN_SECONDS if self._failure is None else _RETRY_SECONDS)

    async def _try_to_save(self) -> None:
        try:
            await self.save()
        except (BaseError, OSError) as error:
            logger.warning("the index of adopted files cannot be written: %s", first_line(error))

    async def _read_for_ever(self) -> None:
        while True:
            self._work.clear()
            try:
                while await self.read_next():
                    pass
            except (BaseError, OSError) as error:
                logger.warning("a file in %s cannot be read yet: %s", self._files.description, first_line(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                logger.exception("a file in %s cannot be read", self._files.description)
                await asyncio.sleep(_RETRY_SECONDS)
            await self._work.wait()


def _hashes(files: Mapping[str, ReadFile]) -> dict[str, str]:
    return {path: read.model.hash for path, read in files.items() if read.model is not None}
