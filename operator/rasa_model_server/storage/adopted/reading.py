"""Reading one adopted file: the same check as an upload gets, while it streams by."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from rasa_model_server.archive import ArchiveFacts, ArchiveInspector, ArchiveLimits, BadArchiveError
from rasa_model_server.archive.training import training_of
from rasa_model_server.names import model_name_of_file, name_problem
from rasa_model_server.storage.adopted.files import AdoptedFiles, ListedFile
from rasa_model_server.storage.adopted.index import ReadFile
from rasa_model_server.storage.records import ModelRecord

ADOPTED = "adopted"
"""First part of the key by which tags refer to an adopted file. No uploaded one has it."""

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ReadingLimits:
    """How large a model file may be, and what it may unpack to, in bytes."""

    file_bytes: int
    unpacked_bytes: int


async def read_adopted(files: AdoptedFiles, file: ListedFile, limits: ReadingLimits) -> ReadFile:
    """Return what is in the file. One that cannot be a model is not read, or not to its end.

    Rasa 3 writes metadata.json last (rasa/engine/storage/local_model_storage.py, create_model_package), and gzip can
    only be read from the start. So a file is read whole, once, which also yields its hash.

    Raises ChangedFileError if the file changed meanwhile, and BaseError if the store does not answer.
    """
    name = model_name_of_file(file.path) or file.path
    problem = "it is a link, or not a file" if not await files.is_plain(file) else _problem(name, file, limits)
    if problem is not None:
        return ReadFile(path=file.path, version=file.version, problem=problem)
    inspector = ArchiveInspector(ArchiveLimits(limits.unpacked_bytes))
    try:
        content = await files.open(file, 0, file.size)
        async for block in content.stream(_BLOCK_BYTES):
            await asyncio.to_thread(inspector.feed, block)
        record = await asyncio.to_thread(_record, name, file, inspector)
    except BadArchiveError as error:
        return ReadFile(path=file.path, version=file.version, problem=str(error))
    return ReadFile(path=file.path, version=file.version, model=record)


def _problem(name: str, file: ListedFile, limits: ReadingLimits) -> str | None:
    if file.size == 0:
        return "it is empty"
    if file.size > limits.file_bytes:
        return f"it is larger than the {limits.file_bytes} bytes that this server takes (--max-model-bytes)"
    return name_problem("model", name)


def _record(name: str, file: ListedFile, inspector: ArchiveInspector) -> ModelRecord:
    facts: ArchiveFacts = inspector.finish()
    training = training_of(facts.documents)
    return ModelRecord(
        model=name,
        archive=f"{ADOPTED}/{facts.hash}/{file.path}",
        hash=facts.hash,
        size=facts.size,
        trained_at=training.trained_at if training.trained_at is not None else facts.newest_member_time,
        uploaded_at=min(file.modified_at, time.time()),
        version=training.version,
        model_id=training.model_id,
    )
