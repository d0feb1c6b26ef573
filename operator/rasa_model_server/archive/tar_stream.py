"""Walks the members of a tar that arrives in pieces, without ever seeking, and keeps only the few that are asked for.

A member has one header, and before it at most one extended header: of two of them, readers differ in which counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rasa_model_server.archive.extended_header import (
    MAXIMUM_EXTENDED_HEADER_BYTES,
    Overrides,
    long_name,
    pax_overrides,
    utf8,
)
from rasa_model_server.archive.problems import BadArchiveError
from rasa_model_server.archive.tar_header import BLOCK_BYTES, Kind, TarHeader, parse_header

_MAXIMUM_END_BYTES = 1024 * 1024
"""Zeros after the members: writers fill the last record, of 10 KiB unless told otherwise."""


@dataclass(frozen=True)
class Member:
    """A file or a directory in a tar. Its time is seconds since 1970."""

    name: str
    directory: bool
    size: int
    mtime: float


@dataclass
class _Content:
    """The content of a member that is being passed: how much of it is left, and what is kept of it."""

    remaining: int
    padding: int
    kept: bytearray | None = None
    done: Callable[[bytes], None] | None = None


@dataclass
class TarWalker:
    """Walks a tar. `on_member` is called for each member and returns where to put its content, None to skip it."""

    on_member: Callable[[Member], Callable[[bytes], None] | None]
    _header: bytearray = field(default_factory=bytearray)
    _content: _Content | None = None
    _overrides: Overrides | None = None
    _ended: bool = False
    _end_bytes: int = 0

    def feed(self, piece: bytes) -> None:
        """Walk on through the next piece of the tar.

        Raises BadArchiveError if it is not a tar, or has data after its end.
        """
        position = 0
        while position < len(piece):
            if self._ended:
                self._pass_end(piece, position)
                return
            if self._content is not None:
                position = self._pass_content(self._content, piece, position)
            else:
                taken = piece[position : position + BLOCK_BYTES - len(self._header)]
                self._header += taken
                position += len(taken)
                if len(self._header) == BLOCK_BYTES:
                    header = parse_header(bytes(self._header))
                    self._header.clear()
                    self._start(header)

    def finish(self) -> None:
        """Check that the tar came to its end.

        Raises BadArchiveError if it is truncated.
        """
        if not self._ended:
            raise BadArchiveError("its tar is cut off: the file is not whole")

    def _pass_end(self, piece: bytes, position: int) -> None:
        length = len(piece) - position
        self._end_bytes += length
        if piece.count(0, position) != length or self._end_bytes > _MAXIMUM_END_BYTES:
            raise BadArchiveError("it has data after the end of its tar")

    def _pass_content(self, content: _Content, piece: bytes, position: int) -> int:
        taken = min(content.remaining, len(piece) - position)
        if content.kept is not None:
            content.kept += piece[position : position + taken]
        content.remaining -= taken
        position += taken
        skipped = min(content.padding, len(piece) - position) if content.remaining == 0 else 0
        content.padding -= skipped
        if content.remaining == 0 and content.padding == 0:
            self._content = None
            if content.done is not None and content.kept is not None:
                content.done(bytes(content.kept))
        return position + skipped

    def _start(self, header: TarHeader | None) -> None:
        extended = header is not None and header.kind in (Kind.PAX, Kind.LONG_NAME)
        if self._overrides is not None and (header is None or extended):
            raise BadArchiveError("it has an extended header that no member follows, or several for one member")
        if header is None:
            self._ended = True
        elif extended:
            self._start_extended_header(header)
        else:
            self._start_member(header)

    def _start_extended_header(self, header: TarHeader) -> None:
        size = header.size
        if not 0 < size <= MAXIMUM_EXTENDED_HEADER_BYTES:
            raise BadArchiveError("it has an extended header that is empty or longer than 64 KiB")

        def done(blocks: bytes) -> None:
            # tarfile reads on behind the size that the header names, to the end of the block.
            if any(blocks[size:]):
                raise BadArchiveError("it has an extended header with something behind its end")
            self._overrides = (long_name if header.kind is Kind.LONG_NAME else pax_overrides)(blocks[:size])

        self._content = _Content(size + -size % BLOCK_BYTES, 0, bytearray(), done)

    def _start_member(self, header: TarHeader) -> None:
        overrides, self._overrides = self._overrides, None
        name = mtime = None
        if overrides is not None:
            if not header.explicit_kind:
                raise BadArchiveError("it has an extended header for a member of the old V7 format")
            name, mtime = overrides.name, overrides.mtime
        member = Member(
            name=name if name is not None else utf8(header.name),
            directory=header.kind is Kind.DIRECTORY,
            size=header.size,
            mtime=mtime if mtime is not None else float(header.mtime),
        )
        done = self.on_member(member)
        if member.size > 0:
            kept = bytearray() if done is not None else None
            self._content = _Content(member.size, -member.size % BLOCK_BYTES, kept, done)
        elif done is not None:
            done(b"")
