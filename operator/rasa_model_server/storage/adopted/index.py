"""What was found in the adopted files, in one object: a restart reads this object in place of all the files.

It is a cache. A file that it does not have, or has in another version, is read again, so replicas may overwrite each
other's without harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import obstore
from pydantic import BaseModel, ConfigDict, ValidationError

from rasa_model_server.storage.records import ModelRecord

if TYPE_CHECKING:
    from obstore.store import ObjectStore

INDEX = "adopted.json"

logger = logging.getLogger(__name__)


class ReadFile(BaseModel):
    """What was found in one version of a file: a model, or why it is none."""

    path: str
    version: str
    model: ModelRecord | None = None
    problem: str | None = None

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Index(BaseModel):
    files: tuple[ReadFile, ...] = ()


class AdoptionIndex:
    """The object `adopted.json` in the server's own store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def load(self) -> dict[str, ReadFile]:
        """Return what was found in each file, by path. Nothing if there is no index, or none that can be read.

        Raises BaseError if the store does not answer.
        """
        try:
            answer = await obstore.get_async(self._store, INDEX)
            content = bytes(await answer.bytes_async())
        except FileNotFoundError:
            return {}
        try:
            index = await asyncio.to_thread(_Index.model_validate_json, content)
        except ValidationError:
            logger.warning("%s in the store is not as this server writes it: all adopted files are read again", INDEX)
            return {}
        return {file.path: file for file in index.files}

    async def save(self, files: Iterable[ReadFile]) -> None:
        """Write the index over any other.

        Raises BaseError if the store does not take it.
        """
        index = _Index(files=tuple(files))
        content = await asyncio.to_thread(index.model_dump_json)
        await obstore.put_async(self._store, INDEX, content.encode())
