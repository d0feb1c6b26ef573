"""Small JSON objects of one type under one prefix of the object store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError
from pydantic import BaseModel, ValidationError

from rasa_model_server.storage.record_files import SUFFIX, RecordFiles

if TYPE_CHECKING:
    from obstore import ObjectMeta, UpdateVersion
    from obstore.store import ObjectStore

Record = TypeVar("Record", bound=BaseModel)

_TOMBSTONE = b"null"
_CONCURRENT_READS = 32

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Stored(Generic[Record]):
    version: UpdateVersion
    record: Record | None
    vacant: bool = False
    """Whether the record was removed, and the name may be used again."""


class Documents(Generic[Record]):
    """The objects `<prefix>/<name>.json`, each one record. Every write is atomic.

    A listing costs one listing of the store, and one read for each object that changed since the last one. Where the
    store is a directory, its files are read without it.
    """

    def __init__(
        self, store: ObjectStore, prefix: str, record_type: type[Record], directory: Path | None = None
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._record_type = record_type
        self._seen: dict[str, tuple[str, Record | None]] = {}
        self._changing = asyncio.Lock()
        self._unreadable: set[str] = set()
        self._files = RecordFiles(directory / prefix, self._decode) if directory is not None else None

    async def get(self, name: str) -> Record | None:
        """Return the record, or None if there is none."""
        if self._files is not None:
            return self._files.get(name)
        stored = await self._read(self._key(name))
        return stored.record if stored is not None else None

    async def all(self) -> list[Record]:
        """Return all records, in no order."""
        if self._files is not None:
            return await asyncio.to_thread(self._files.all)
        objects = await obstore.list(self._store, self._prefix).collect_async()
        return await self._read_listed([listed for listed in objects if listed["path"].endswith(SUFFIX)])

    async def _read_listed(self, objects: Sequence[ObjectMeta]) -> list[Record]:
        """Return the records of these objects, reading only those that changed since the last call."""
        versions = {listed["path"]: _fingerprint(listed) for listed in objects}
        known = {path: seen for path, seen in self._seen.items() if versions.get(path) == seen[0]}
        reading = asyncio.Semaphore(_CONCURRENT_READS)

        async def read(path: str) -> None:
            async with reading:
                stored = await self._read(path)
            known[path] = (versions[path], stored.record if stored is not None else None)

        await asyncio.gather(*(read(path) for path in versions if path not in known))
        self._seen = known
        return [record for _, record in known.values() if record is not None]

    async def create(self, name: str, record: Record) -> bool:
        """Write the record if there is none of this name. Return whether it was: one of two callers succeeds."""
        try:
            await obstore.put_async(self._store, self._key(name), _encode(record), mode="create")
        except AlreadyExistsError:
            if not await self._create_over_tombstone(name, record):
                return False
        self._forget(name)
        return True

    async def _create_over_tombstone(self, name: str, record: Record) -> bool:
        stored = await self._read(self._key(name))
        if stored is None or not stored.vacant:
            return False
        try:
            await obstore.put_async(self._store, self._key(name), _encode(record), mode=stored.version)
        except PreconditionError:
            return False
        return True

    async def update(self, name: str, change: Callable[[Record | None], Record | None]) -> Record | None:
        """Write what `change` makes of the record, or of None if there is none, and return it.

        If `change` returns None, nothing is written. Whoever changes the record at the same time is not overwritten:
        `change` is called again with what they wrote.
        """
        async with self._changing:
            while True:
                stored = await self._read(self._key(name))
                changed = change(stored.record if stored is not None else None)
                if changed is None:
                    return None
                try:
                    await self._put_unless_changed(name, stored, changed)
                except (AlreadyExistsError, PreconditionError):
                    continue
                self._forget(name)
                return changed

    async def _put_unless_changed(self, name: str, stored: _Stored[Record] | None, record: Record) -> None:
        key, content = self._key(name), _encode(record)
        try:
            await obstore.put_async(self._store, key, content, mode="create" if stored is None else stored.version)
        except (NotSupportedError, NotImplementedError):
            await obstore.put_async(self._store, key, content)

    async def are_all_readable(self) -> bool:
        """Return whether every object that was read so far is a record, or gone by now."""
        for path in tuple(self._unreadable):
            if await self._read(path) is None:
                self._unreadable.discard(path)
        return not self._unreadable

    async def put(self, name: str, record: Record) -> None:
        """Write the record over any other."""
        async with self._changing:
            await obstore.put_async(self._store, self._key(name), _encode(record))
            self._forget(name)

    async def take(self, name: str) -> Record | None:
        """Remove the record, and return what it was, or None if there is none."""
        async with self._changing:
            record = await self.get(name)
            if record is not None:
                await self._delete(name)
            return record

    async def delete_if(self, name: str, condition: Callable[[Record], bool], *, certain: bool = False) -> bool:
        """Remove the record if it meets the condition when it is removed. Return whether it was removed.

        No store deletes conditionally, but remote ones overwrite conditionally: there `null` takes the record's place.
        A directory does neither: it belongs to one process, whose lock suffices. With `certain`, nothing is removed
        from a remote store that does not overwrite conditionally either.
        """
        async with self._changing:
            while True:
                stored = await self._read(self._key(name))
                if stored is None or stored.record is None or not condition(stored.record):
                    return False
                try:
                    await obstore.put_async(self._store, self._key(name), _TOMBSTONE, mode=stored.version)
                except PreconditionError:
                    continue
                except (NotSupportedError, NotImplementedError):
                    if certain and self._files is None:
                        return False
                    await self._delete(name)
                self._forget(name)
                return True

    async def _delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, self._key(name))
        self._forget(name)

    def _forget(self, name: str) -> None:
        if self._files is not None:
            self._files.forget(name)

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}{SUFFIX}"

    async def _read(self, path: str) -> _Stored[Record] | None:
        try:
            answer = await obstore.get_async(self._store, path)
            content = bytes(await answer.bytes_async())
        except FileNotFoundError:
            return None
        version: UpdateVersion = {}
        if answer.meta["e_tag"] is not None:
            version["e_tag"] = answer.meta["e_tag"]
        if answer.meta["version"] is not None:
            version["version"] = answer.meta["version"]
        return _Stored(version, self._decode(path, content), vacant=content == _TOMBSTONE)

    def _decode(self, path: str, content: bytes) -> Record | None:
        key = self._prefix + "/" + path.rpartition("/")[2]
        self._unreadable.discard(key)
        if content == _TOMBSTONE:
            return None
        try:
            return self._record_type.model_validate_json(content)
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, found["loc"])) for found in error.errors(include_input=False))
            self._unreadable.add(key)
            logger.warning("%s in the store is passed over, for this server did not write it so: %s", path, wrong)
            return None


def _encode(record: BaseModel) -> bytes:
    return record.model_dump_json(indent=2).encode()


def _fingerprint(listed: ObjectMeta) -> str:
    return listed["e_tag"] or f"{listed['last_modified'].isoformat()}/{listed['size']}"
