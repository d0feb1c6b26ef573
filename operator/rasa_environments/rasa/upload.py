"""A file as a multipart body, read piece by piece off the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

PIECE = 256 * 1024


class Multipart:
    """One part called `name` that holds `file`: its headers, with the exact length, and its bytes."""

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
        """Whether some of the file was sent."""

    def headers(self) -> dict[str, str]:
        """Content-Type with the boundary, and Content-Length."""
        length = len(self._head) + self._size + len(self._tail)
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", "Content-Length": str(length)}

    async def pieces(self, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The body; `sent` is told the bytes of the file in each piece."""
        yield self._head
        with await asyncio.to_thread(self._file.open, "rb") as source:
            left = self._size
            while left and (piece := await asyncio.to_thread(source.read, min(PIECE, left))):
                left -= len(piece)
                yield piece
                self.begun = True
                sent(len(piece))
        yield self._tail
