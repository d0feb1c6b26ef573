"""Decompression of a gzip stream in small pieces, however much a small input inflates to."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator

from rasa_model_server.archive.problems import BadArchiveError

PIECE_BYTES = 256 * 1024

_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"
_FLAGS = 3
_HAS_NAME = 0x08


class GzipDecoder:
    """Decodes a gzip stream of exactly one gzip member (RFC 1952) that arrives in blocks.

    Readers differ in what they do after the first member: some stop, some go on, some skip what is not gzip. So nothing
    may follow it.
    """

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(_GZIP_FORMAT)
        self._start = b""

    def decode(self, block: bytes) -> Iterator[bytes]:
        """Yield what the block decompresses to, in pieces of at most 256 KiB.

        Raises BadArchiveError if the stream is not gzip, is damaged, or has anything after its first gzip member.
        """
        self._keep_start(block)
        pending = block
        full = False
        while pending or full:
            if self._decompressor.eof:
                raise BadArchiveError("it has data after the end of its gzip data: write it in one piece")
            try:
                piece = self._decompressor.decompress(pending, PIECE_BYTES)
            except zlib.error as error:
                raise BadArchiveError(f"its gzip data is damaged ({error})") from None
            if piece:
                yield piece
            pending = self._decompressor.unused_data or self._decompressor.unconsumed_tail
            # A full piece may leave output inside zlib though all input is consumed.
            full = len(piece) == PIECE_BYTES and not self._decompressor.eof

    def finish(self) -> None:
        """Check that the gzip member is whole.

        Raises BadArchiveError if the file is empty or truncated.
        """
        if not self._start:
            raise BadArchiveError("it is empty")
        if not self._decompressor.eof:
            raise BadArchiveError("its gzip data is cut off: the file is not whole")

    def _keep_start(self, block: bytes) -> None:
        """Check the header of the gzip member, and that a reader of plain tar does not see another tar in the file."""
        if len(self._start) >= tarfile.BLOCKSIZE:
            return
        self._start += block[: tarfile.BLOCKSIZE - len(self._start)]
        if not _MAGIC.startswith(self._start[: len(_MAGIC)]):
            raise BadArchiveError("it is not gzip: a model is a .tar.gz as `rasa train` writes it")
        if len(self._start) > _FLAGS and self._start[_FLAGS] & ~_HAS_NAME:
            raise BadArchiveError("its gzip header has more in it than the name of a file")
        if len(self._start) < tarfile.BLOCKSIZE:
            return
        try:
            tarfile.TarInfo.frombuf(self._start, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError):
            return
        raise BadArchiveError("it is a gzip file and a tar file at once")
