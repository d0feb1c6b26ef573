"""Removing what interrupted uploads leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError

from rasa_model_server.names import ARCHIVE_SUFFIX
from rasa_model_server.storage.catalogue import MODELS
from rasa_model_server.storage.documents import Documents
from rasa_model_server.storage.opening import Storage, first_line
from rasa_model_server.storage.records import ModelRecord

SWEEP_INTERVAL = timedelta(hours=1)
ABANDONED_AFTER = timedelta(hours=24)
"""An upload in progress is younger than this. Its file is not named by any model until it is whole."""

# A directory's store writes to <key>#<number> and renames (object_store, LocalFileSystem).
_STAGED = re.compile(r".*#[0-9]+")

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def sweeping(storage: Storage) -> AsyncIterator[None]:
    """Sweep now and every hour in the background."""
    task = asyncio.create_task(_sweep_for_ever(storage))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def sweep(storage: Storage, now: datetime) -> list[str]:
    """Remove model files that belong to no model and are older than a day. Return their keys.

    A model file may be whole and not yet named, for the moment between its two writes; hence the age.
    """
    objects = await obstore.list(storage.store, MODELS).collect_async()
    # Read after the listing: a file that a model named since is not among the old ones.
    records = await Documents(storage.store, MODELS, ModelRecord, storage.directory).all()
    named = {record.archive for record in records}
    abandoned = [
        listed["path"]
        for listed in objects
        if listed["path"].endswith(ARCHIVE_SUFFIX)
        and listed["path"] not in named
        and now - listed["last_modified"] > ABANDONED_AFTER
    ]
    for path in abandoned:
        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(storage.store, path)
    if storage.directory is not None:
        abandoned += await asyncio.to_thread(_sweep_staged_files, storage.directory, now)
    return abandoned


def _sweep_staged_files(directory: Path, now: datetime) -> list[str]:
    """Remove the unfinished files of a directory, which its store does not list."""
    removed: list[str] = []
    for file in directory.rglob("*#*"):
        with contextlib.suppress(FileNotFoundError):
            changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            if _STAGED.fullmatch(file.name) and now - changed > ABANDONED_AFTER:
                file.unlink()
                removed.append(file.relative_to(directory).as_posix())
    return removed


async def _sweep_for_ever(storage: Storage) -> None:
    while True:
        try:
            for path in await sweep(storage, datetime.now(UTC)):
                logger.info("removed %s: an upload that was never finished", path)
        except (BaseError, OSError) as error:
            logger.warning("unfinished uploads cannot be removed: %s", first_line(error))
        await asyncio.sleep(SWEEP_INTERVAL.total_seconds())
