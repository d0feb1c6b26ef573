"""Receiving a model: from the request's body through the inspection into the object store, block by block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request

from rasa_model_server.archive import ArchiveFacts, ArchiveInspector, ArchiveLimits, BadArchiveError
from rasa_model_server.archive.training import training_of
from rasa_model_server.errors import ApiError
from rasa_model_server.names import model_name_of_file, name_problem
from rasa_model_server.storage import Catalogue, ModelRecord
from rasa_model_server.web.model_check import is_compatible
from rasa_model_server.web.multipart import BodyTooLargeError, Event, MultipartError, PartStart, boundary_of, events
from rasa_model_server.web.variant import ModelApi

MODEL_PART = "model"

_BLOCK_BYTES = 1024 * 1024
_MULTIPART_OVERHEAD_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """A received model, and whether it is new: False where the same file was there already."""

    record: ModelRecord
    created: bool


async def receive_model(
    request: Request, catalogue: Catalogue, api: ModelApi, minimum_version: str | None = None
) -> Upload:
    """Receive the model that the request uploads. A `minimum_version` is the oldest that production loads.

    Raises ApiError: 400 if it is not a model file or production cannot load it, 409 if the name is taken by another
    model, 413 if it is too large.
    """
    try:
        boundary = boundary_of(request.headers.get("content-type", ""))
        _check_declared_size(request, api.max_model_bytes)
        parts = events(request.stream(), boundary, maximum=api.max_model_bytes + _MULTIPART_OVERHEAD_BYTES)
        record = await _receive(parts, catalogue, api, minimum_version)
        return await _publish(record, catalogue, repeated_accepted=api.variant.repeated_upload_accepted)
    except BadArchiveError as error:
        raise ApiError(400, "BadModel", f"the file is not a model: {error}") from None
    except BodyTooLargeError:
        raise _too_large(api.max_model_bytes) from None
    except MultipartError as error:
        raise ApiError(400, "BadRequest", str(error)) from None


async def _receive(
    parts: AsyncIterator[Event], catalogue: Catalogue, api: ModelApi, minimum_version: str | None
) -> ModelRecord:
    name = await _start_of_model(parts)
    archive = catalogue.new_archive(name)
    inspector = ArchiveInspector(ArchiveLimits(api.max_unpacked_bytes))
    async with catalogue.write_archive(archive) as writer:
        async for block in _blocks(parts, api.max_model_bytes):
            await asyncio.to_thread(inspector.feed, block)
            await writer.write(block)
        record = await asyncio.to_thread(_record, name, archive, inspector.finish())
        if not is_compatible(record.version, minimum_version):
            raise ApiError(
                400,
                "ModelVersionError",
                f"Rasa {record.version} trained the model, and the oldest that the production server can load is "
                f"{minimum_version}: train it again",
            )
    return record


async def _publish(record: ModelRecord, catalogue: Catalogue, *, repeated_accepted: bool) -> Upload:
    if await catalogue.add_model(record):
        return Upload(record, created=True)
    await catalogue.delete_archive(record.archive)
    existing = await catalogue.model(record.model)
    same = existing is not None and existing.hash == record.hash
    if existing is not None and same and repeated_accepted:
        await catalogue.mark_used(record.model)
        return Upload(existing, created=False)
    raise ApiError(
        409,
        "ModelExists",
        f"a model {record.model!r} with {'the same' if same else 'other'} content exists: a model is never "
        "overwritten, so upload this one under another name, or delete that one first",
    )


async def _start_of_model(parts: AsyncIterator[Event]) -> str:
    """Skip to the model's part and return the model's name."""
    async for part in parts:
        if isinstance(part, PartStart) and part.name == MODEL_PART:
            return _name_of(part)
    raise ApiError(400, "BadRequest", f"the body has no part called {MODEL_PART!r}: curl -F {MODEL_PART}=@FILE")


def _name_of(part: PartStart) -> str:
    if part.filename is None:
        raise ApiError(400, "BadRequest", f"the part {MODEL_PART!r} is not a file: curl -F {MODEL_PART}=@FILE")
    name = model_name_of_file(part.filename)
    if name is None:
        shown = part.filename[:200]
        raise ApiError(400, "BadModelName", f"{shown!r} does not end in .tar.gz, as the name of a model does")
    problem = name_problem("model", name)
    if problem is not None:
        raise ApiError(400, "BadModelName", problem)
    return name


async def _blocks(parts: AsyncIterator[Event], maximum: int) -> AsyncIterator[bytes]:
    """Yield the content of the model's part in blocks, and read the body to its end."""
    block = bytearray()
    received = 0
    in_model = True
    async for part in parts:
        if isinstance(part, PartStart):
            in_model = False
            if part.name == MODEL_PART:
                raise ApiError(400, "BadRequest", f"the body has two parts called {MODEL_PART!r}: send one model")
        elif in_model:
            received += len(part.content)
            if received > maximum:
                raise BodyTooLargeError
            block += part.content
            if len(block) >= _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
    if block:
        yield bytes(block)


def _record(name: str, archive: str, facts: ArchiveFacts) -> ModelRecord:
    training = training_of(facts.documents)
    return ModelRecord(
        model=name,
        archive=archive,
        hash=facts.hash,
        size=facts.size,
        trained_at=training.trained_at if training.trained_at is not None else facts.newest_member_time,
        uploaded_at=time.time(),
        version=training.version,
        model_id=training.model_id,
    )


def _check_declared_size(request: Request, maximum: int) -> None:
    declared = request.headers.get("content-length", "").lstrip("0")
    if declared and (len(declared) > 18 or int(declared) > maximum + _MULTIPART_OVERHEAD_BYTES):
        raise _too_large(maximum)


def _too_large(maximum: int) -> ApiError:
    return ApiError(
        413,
        "ModelTooLarge",
        f"the model is larger than the {maximum} bytes that this server takes (--max-model-bytes)",
        {"Connection": "close"},
    )
