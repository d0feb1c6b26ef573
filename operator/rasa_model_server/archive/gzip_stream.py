"""Decompression of a gzip stream in small pieces, however much a small input inflates to."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from rasa_model_server.archive.problems import BadArchiveError

PIECE_BYTES = 256 * 1024

_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class GzipDecoder:
    """Decodes a gzip stream, of one or more gzip members, that arrives in blocks."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(_GZIP_FORMAT)
        self._start = b""
        self._at_boundary = False

    def decode(self, block: bytes) -> Iterator[bytes]:
        """Yield what the block decompresses to, in pieces of at most 256 KiB.

        Raises:
            BadArchiveError: the stream is not gzip, or is damaged.
        """
        if len(self._start) < len(_MAGIC):
            self._start += block[: len(_MAGIC) - len(self._start)]
            if not _MAGIC.startswith(self._start):
                raise BadArchiveError("it is not gzip: a model is a .tar.gz as `rasa train` writes it")
        pending = block
        full = False
        while pending or full:
            if self._at_boundary:
                self._decompressor = zlib.decompressobj(_GZIP_FORMAT)
            try:
                piece = self._decompressor.decompress(pending, PIECE_BYTES)
            except zlib.error as error:
                raise BadArchiveError(f"its gzip data is damaged ({error})") from None
            if piece:
                yield piece
            self._at_boundary = self._decompressor.eof
            pending = self._decompressor.unused_data if self._at_boundary else self._decompressor.unconsumed_tail
            # A full piece may leave output inside zlib though all input is consumed.
            full = len(piece) == PIECE_BYTES and not self._at_boundary

    def finish(self) -> None:
        """Check that the stream ended where a gzip member ends.

        Raises:
            BadArchiveError: the file is empty or cut off.
        """
        if not self._start:
            raise BadArchiveError("it is empty")
        if not self._at_boundary:
            raise BadArchiveError("its gzip data is cut off: the file is not whole")
