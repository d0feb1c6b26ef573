"""Models, their tags, and the registered environments, over the object store.

Each upload writes its file under a key of its own, `models/<model>.<upload>.tar.gz`, and then the record
`models/<model>.json`, which names that file, in a single create-if-absent. Only the record makes a model, so an upload
that stops half-way leaves at most a file that nothing names, and of two uploads of one name one wins whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, GenericError

from rasa_model_server.names import ARCHIVE_SUFFIX, is_same_but_for_case
from rasa_model_server.storage.adopted.adoption import Adoption
from rasa_model_server.storage.archive_files import CHUNK_BYTES, read_archive_file
from rasa_model_server.storage.documents import Documents
from rasa_model_server.storage.opening import first_line
from rasa_model_server.storage.records import (
    EARLIER_MODELS,
    TAGS,
    EnvironmentRecord,
    EnvironmentsRecord,
    ModelRecord,
    TagRecord,
)

if TYPE_CHECKING:
    from obstore import AsyncWritableFile, BytesStream
    from obstore.store import ObjectStore

MODELS = "models"
ENVIRONMENTS = "environments"
_REGISTERED = "registered"

# S3 takes no part smaller than 5 MiB and no more than 10,000 of them: models of up to 60 GB.
_UPLOAD_PART_BYTES = 6 * 1024 * 1024
_CONCURRENT_PARTS = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaggedModel:
    """A model with its tags, in alphabetical order."""

    record: ModelRecord
    tags: tuple[str, ...]


class AdoptedModelError(Exception):
    """The model is a file of somebody else, which is theirs to delete."""


class Catalogue:
    """The models, tags and environments in one store. `directory` is the directory of the store, if it has one.

    With an `adoption` there are also the models of files that others write. Of a name that both have, the uploaded
    model counts.
    """

    def __init__(self, store: ObjectStore, directory: Path | None = None, adoption: Adoption | None = None) -> None:
        self._store = store
        self._directory = directory
        self._adoption = adoption
        self._models = Documents(store, MODELS, ModelRecord, directory)
        self._tags = Documents(store, TAGS, TagRecord, directory)
        self._environments = Documents(store, ENVIRONMENTS, EnvironmentsRecord, directory)

    async def check(self) -> None:
        """Ask the store for the start of a listing.

        Raises BaseError if the store does not answer, or the adopted files could not be listed.
        """
        if self._adoption is not None:
            self._adoption.check()
        async for _ in obstore.list(self._store, TAGS, chunk_size=1):
            break

    async def models(self) -> list[TaggedModel]:
        """Return all models with their tags, the last trained first."""
        records, tags = await asyncio.gather(self._models.all(), self._tags.all())
        if self._adoption is not None:
            names = {record.model for record in records}
            records = [*records, *(record for record in self._adoption.models() if record.model not in names)]
        tags_of: dict[str, list[str]] = {}
        for tag in tags:
            tags_of.setdefault(tag.archive, []).append(tag.tag)
        ordered = sorted(records, key=lambda record: (-record.trained_at, record.model))
        return [TaggedModel(record, tuple(sorted(tags_of.get(record.archive, ())))) for record in ordered]

    async def model(self, name: str) -> ModelRecord | None:
        """Return the model of this name, or None.

        A store that folds case, as some directories do, finds the record of another model.
        """
        record = await self._uploaded(name)
        if record is None and self._adoption is not None:
            return self._adoption.model(name)
        return record

    async def model_with_tag(self, tag: str) -> ModelRecord | None:
        """Return the model that has the tag, or None."""
        found = await self._tags.get(tag)
        if found is None or found.tag != tag:
            return None
        # The tag says which of the two it is on, which spares its pulls a question to the store.
        adopted = self._adoption is not None and self._adoption.owns(found.archive)
        record = (
            self._adoption.model(found.model)
            if self._adoption is not None and adopted
            else await self.model(found.model)
        )
        return record if record is not None and record.archive == found.archive else None

    async def tag_that_differs_in_case(self, tag: str) -> str | None:
        """Return a tag that differs from this one in upper and lower case only, or None."""
        return next((found.tag for found in await self._tags.all() if is_same_but_for_case(found.tag, tag)), None)

    def new_archive(self, name: str) -> str:
        """Return a key for the file of one upload, which no other upload has."""
        return f"{MODELS}/{name}.{uuid.uuid4().hex}{ARCHIVE_SUFFIX}"

    @contextlib.asynccontextmanager
    async def write_archive(self, archive: str) -> AsyncIterator[AsyncWritableFile]:
        """Open a model file for writing. An exception in the block discards what was written.

        Raises GenericError if the store fails. Its writers alone raise an OSError then.
        """
        try:
            async with obstore.open_writer_async(
                self._store, archive, buffer_size=_UPLOAD_PART_BYTES, max_concurrency=_CONCURRENT_PARTS
            ) as writer:
                yield writer
        except OSError as error:
            raise GenericError(str(error)) from error

    async def read_archive(self, archive: str, start: int, end: int) -> AsyncIterator[bytes | memoryview]:
        """Open a model file to read the bytes from `start` up to, and without, `end`.

        Raises FileNotFoundError if there is no such file (any more), or a link is in its place.
        """
        if self._adoption is not None and self._adoption.owns(archive):
            content = await self._adoption.open(archive, start, end)
            return content.stream(CHUNK_BYTES)
        if self._directory is not None:
            return await read_archive_file(self._directory, archive, start, end)
        result = await obstore.get_async(self._store, archive, options={"range": (start, end)})
        return _chunks(result.stream(min_chunk_size=CHUNK_BYTES))

    def bucket_entity_tag(self, record: ModelRecord) -> str | None:
        """Return the ETag that the bucket itself sends with an adopted model, or None for any other model."""
        return self._adoption.entity_tag(record.archive) if self._adoption is not None else None

    async def signed_url(self, record: ModelRecord) -> str | None:
        """Return a URL that opens an adopted model for some minutes, or None if there is none.

        Raises BaseError if the store cannot sign one.
        """
        return await self._adoption.signed_url(record.archive) if self._adoption is not None else None

    async def delete_archive(self, archive: str) -> None:
        """Remove a model file that no model names. One that cannot be removed now is swept later."""
        try:
            await obstore.delete_async(self._store, archive)
        except FileNotFoundError:
            pass
        except BaseError as error:
            logger.warning("%s is no longer needed, but cannot be removed yet: %s", archive, first_line(error))

    async def add_model(self, record: ModelRecord) -> bool:
        """Publish the model, whose file is written. Return False, and change nothing, if the name is taken."""
        if self._adoption is not None and self._adoption.model(record.model) is not None:
            return False
        return await self._models.create(record.model, record)

    async def tags_of(self, name: str) -> list[str]:
        """Return the tags of an uploaded model, in alphabetical order; none if there is no such model."""
        record = await self._uploaded(name)
        if record is None:
            return []
        return sorted(tag.tag for tag in await self._tags.all() if tag.archive == record.archive)

    async def delete_model(self, name: str) -> bool:
        """Remove the model, and take its tags from it. Return False if there is none.

        Raises AdoptedModelError if its file is not this server's to delete.
        """
        if await self._uploaded(name) is None:
            if await self.model(name) is not None:
                raise AdoptedModelError(name)
            return False
        record = await self._models.take(name)
        if record is None:
            return False
        deleted = record.archive
        for tag in await self._tags.all():
            if tag.archive == deleted:
                await self._tags.delete_if(tag.tag, lambda current: current.archive == deleted)
        await self.delete_archive(deleted)
        return True

    async def put_tag(self, tag: str, name: str) -> bool:
        """Give the tag to the model, taking it from any other. Return False if there is no such model."""
        record = await self.mark_used(name) or await self.model(name)
        if record is None:
            return False
        archive = record.archive
        await self._tags.update(tag, lambda current: _moved(current, TagRecord(tag=tag, model=name, archive=archive)))
        return True

    async def mark_used(self, name: str) -> ModelRecord | None:
        """Record that an uploaded model is used now, so that it is not deleted as old. Return it, or None if none is.

        A model that is about to be deleted as old is either gone before, and None is returned, or survives.
        """
        now = time.time()

        def marked(current: ModelRecord | None) -> ModelRecord | None:
            return (
                current.model_copy(update={"used_at": now}) if current is not None and current.model == name else None
            )

        return await self._models.update(name, marked)

    async def models_and_tags(self) -> tuple[list[ModelRecord], list[TagRecord]] | None:
        """Return the records of the uploaded models and of all tags, or None if one of the tags cannot be read."""
        models = await self._models.all()
        tags = await self._tags.all()
        return (models, tags) if await self._tags.are_all_readable() else None

    async def delete_unused(self, record: ModelRecord) -> bool:
        """Remove an uploaded model if nobody has used it since the record was read. Return whether it was removed."""
        if not await self._models.delete_if(record.model, lambda current: current == record, certain=True):
            return False
        if is_archive_of(record.model, record.archive):
            await self.delete_archive(record.archive)
        return True

    async def remove_tag(self, tag: str, name: str) -> bool:
        """Take the tag from the model, if it has it. Return False if there is no such model."""
        if await self.model(name) is None:
            return False
        if await self._tags.delete_if(tag, lambda current: current.tag == tag and current.model == name):
            await self.mark_used(name)
        return True

    async def environments(self) -> tuple[EnvironmentRecord, ...] | None:
        """Return the registered environments, in the order in which they were given, or None if none ever were."""
        registered = await self._environments.get(_REGISTERED)
        return registered.environments if registered is not None else None

    async def replace_environments(self, environments: tuple[EnvironmentRecord, ...]) -> None:
        """Register these environments, and no others."""
        await self._environments.put(_REGISTERED, EnvironmentsRecord(environments=environments))

    async def _uploaded(self, name: str) -> ModelRecord | None:
        record = await self._models.get(name)
        return record if record is not None and record.model == name else None


def is_archive_of(name: str, archive: str) -> bool:
    """Return whether the key is one that an upload of the model was written to."""
    return re.fullmatch(f"{MODELS}/{re.escape(name)}[.][0-9a-f]{{32}}{re.escape(ARCHIVE_SUFFIX)}", archive) is not None


def _moved(current: TagRecord | None, moved: TagRecord) -> TagRecord:
    """Return the record of a tag that was moved, with the models that it had before."""
    if current is None or current.tag != moved.tag:
        return moved
    before = dict.fromkeys((current.archive, *current.earlier))
    before.pop(moved.archive, None)
    return moved.model_copy(update={"earlier": tuple(before)[:EARLIER_MODELS]})


async def _chunks(stream: BytesStream) -> AsyncIterator[bytes]:
    async for chunk in stream:
        yield bytes(chunk)
