"""A file as a multipart body, read in chunks outside the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

PIECE = 256 * 1024


class Multipart:
    """A single part called `name` with the content of `file`: its headers, with the exact length, and its bytes."""

    def __init__(self, name: str, file: Path) -> None:
        boundary = secrets.token_hex(16)
        filename = file.name.replace("\\", "\\\\").replace('"', '\\"')
        self._file = file
        self._boundary = boundary
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            "Content-Type: application/gzip\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = file.stat().st_size
        self.begun = False
        """Whether part of the file has been sent."""

    def headers(self) -> dict[str, str]:
        """Return Content-Type with the boundary, and Content-Length."""
        length = len(self._head) + self._size + len(self._tail)
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", "Content-Length": str(length)}

    async def pieces(self, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
        """Yield the body; `sent` is called with the number of file bytes in each chunk."""
        yield self._head
        with await asyncio.to_thread(self._file.open, "rb") as source:
            left = self._size
            while left and (piece := await asyncio.to_thread(source.read, min(PIECE, left))):
                left -= len(piece)
                yield piece
                self.begun = True
                sent(len(piece))
        yield self._tail
