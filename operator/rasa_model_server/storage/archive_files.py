"""Reading the model files of a directory.

The store reads 8 KiB at a time, each in another thread: 0.4 GB per CPU second. What the page cache has is read here
without any thread, at three times that rate.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

from obstore.exceptions import GenericError

CHUNK_BYTES = 256 * 1024
"""As much of a model is in memory for each client that reads it slowly."""

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
"""Only Linux has it. Elsewhere the event loop waits for the disk."""

logger = logging.getLogger(__name__)


async def read_archive_file(directory: Path, key: str, start: int, end: int) -> AsyncIterator[bytes | memoryview]:
    """Open a file below the directory to read the bytes from `start` up to, and without, `end`.

    Raises FileNotFoundError if there is no such file, or a link is in its place, and GenericError, as the store does,
    if it cannot be read or is too short.
    """
    try:
        file = await asyncio.to_thread(_open, directory, key, end)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise GenericError(str(error)) from error
    return _chunks(file, start, end)


def _open(directory: Path, key: str, end: int) -> io.FileIO:
    if _is_linked(directory, key):
        logger.warning("%s is not sent: it is, or is below, a symbolic link", key)
        raise FileNotFoundError(key)
    file = io.FileIO(directory / key)
    size = os.fstat(file.fileno()).st_size
    if size < end:
        file.close()
        raise OSError(f"{key} has {size} bytes, and its record says {end} or more")
    return file


async def _chunks(file: io.FileIO, start: int, end: int) -> AsyncIterator[bytes | memoryview]:
    with file:
        while start < end:
            size = min(CHUNK_BYTES, end - start)
            chunk: bytes | memoryview = _cached(file, size, start)
            if not chunk:
                chunk = await asyncio.to_thread(os.pread, file.fileno(), size, start)
            if not chunk:
                raise GenericError("a model file was cut short while it was sent")
            start += len(chunk)
            yield chunk


def _cached(file: io.FileIO, size: int, offset: int) -> memoryview:
    """Return what the page cache has of these bytes, or none: then a read would wait for the disk."""
    buffer = bytearray(size)
    try:
        read = os.preadv(file.fileno(), [buffer], offset, _NOWAIT)
    except OSError:  # EAGAIN; EOPNOTSUPP, where the file system cannot tell
        read = 0
    return memoryview(buffer)[:read]


def _is_linked(directory: Path, key: str) -> bool:
    """Return whether a part of the key is a symbolic link. It would lead to any file of the server."""
    path = directory
    for part in key.split("/"):
        path /= part
        if path.is_symlink():
            return True
    return False
