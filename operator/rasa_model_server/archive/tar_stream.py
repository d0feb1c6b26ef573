"""Walks the members of a tar that arrives in pieces, without ever seeking, and keeps only the few that are asked for.

The standard library's tarfile reads whole extended headers into memory, however long they claim to be, so it parses
the 512-byte header blocks here, and this file does the walking (POSIX.1-2017 pax, "ustar Interchange Format").
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field

from rasa_model_server.archive.problems import BadArchiveError

_BLOCK = tarfile.BLOCKSIZE
_MAXIMUM_EXTENDED_HEADER_BYTES = 1024 * 1024
_PAX_HEADERS = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_GNU_LONG_NAMES = frozenset({tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK})


@dataclass
class _Content:
    """The content of a member that is being passed: how much of it is left, and what is kept of it."""

    remaining: int
    padding: int
    kept: bytearray | None = None
    done: Callable[[bytes], None] | None = None


@dataclass
class _Overrides:
    """What the extended headers say of the member that follows them."""

    name: str | None = None
    link_name: str | None = None
    size: int | None = None


@dataclass
class TarWalker:
    """Walks a tar. `on_member` is called for each member and returns where to put its content, None to skip it."""

    on_member: Callable[[tarfile.TarInfo], Callable[[bytes], None] | None]
    _header: bytearray = field(default_factory=bytearray)
    _content: _Content | None = None
    _overrides: _Overrides = field(default_factory=_Overrides)
    _ended: bool = False

    def feed(self, piece: bytes) -> None:
        """Walk on through the next piece of the tar.

        Raises:
            BadArchiveError: it is not a tar, or has data after its end.
        """
        position = 0
        while position < len(piece):
            if self._ended:
                if piece.count(0, position) != len(piece) - position:
                    raise BadArchiveError("it has data after the end of its tar")
                return
            if self._content is not None:
                position = self._pass_content(self._content, piece, position)
            else:
                taken = piece[position : position + _BLOCK - len(self._header)]
                self._header += taken
                position += len(taken)
                if len(self._header) == _BLOCK:
                    self._read_header(bytes(self._header))
                    self._header.clear()

    def finish(self) -> None:
        """Check that the tar came to its end.

        Raises:
            BadArchiveError: it is cut off.
        """
        if not self._ended:
            raise BadArchiveError("its tar is cut off: the file is not whole")

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

    def _read_header(self, block: bytes) -> None:
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            self._ended = True
        except (tarfile.HeaderError, ValueError):
            raise BadArchiveError("inside the gzip it is not a tar, or the tar is damaged") from None
        else:
            if member.type in _PAX_HEADERS | _GNU_LONG_NAMES:
                self._start_extended_header(member)
            else:
                self._start_member(member)

    def _start_extended_header(self, header: tarfile.TarInfo) -> None:
        if not 0 <= header.size <= _MAXIMUM_EXTENDED_HEADER_BYTES:
            raise BadArchiveError("it has an extended header longer than 1 MiB")

        def done(data: bytes) -> None:
            if header.type == tarfile.GNUTYPE_LONGNAME:
                self._overrides.name = _text(data)
            elif header.type == tarfile.GNUTYPE_LONGLINK:
                self._overrides.link_name = _text(data)
            else:
                self._read_pax(data, for_all=header.type == tarfile.XGLTYPE)

        self._expect(header.size, done)

    def _read_pax(self, data: bytes, *, for_all: bool) -> None:
        records = pax_records(data)
        if for_all and records.keys() & {"path", "linkpath", "size"}:
            raise BadArchiveError("it has a pax header that renames all its members")
        if any(key.startswith("GNU.sparse.") for key in records):
            raise BadArchiveError("it has a sparse file: write it without --sparse")
        if "path" in records:
            self._overrides.name = records["path"]
        if "linkpath" in records:
            self._overrides.link_name = records["linkpath"]
        if "size" in records:
            try:
                self._overrides.size = int(records["size"])
            except ValueError:
                raise BadArchiveError("it has a pax header with a size that is no number") from None

    def _start_member(self, member: tarfile.TarInfo) -> None:
        overrides, self._overrides = self._overrides, _Overrides()
        if overrides.name is not None:
            member.name = overrides.name.rstrip("/") if member.isdir() else overrides.name
        if overrides.link_name is not None:
            member.linkname = overrides.link_name
        if overrides.size is not None:
            member.size = overrides.size
        self._expect(member.size, self.on_member(member))

    def _expect(self, size: int, done: Callable[[bytes], None] | None) -> None:
        if size > 0:
            self._content = _Content(size, -size % _BLOCK, bytearray() if done is not None else None, done)
        elif done is not None:
            done(b"")


def pax_records(data: bytes) -> dict[str, str]:
    """Return the records of a pax extended header, each `<length> <key>=<value>` and a newline.

    Raises:
        BadArchiveError: the data is not of that form.
    """
    records: dict[str, str] = {}
    position = 0
    while position < len(data) and data[position] != 0:
        length_text, space, _ = data[position : position + 20].partition(b" ")
        length = int(length_text) if length_text.isdigit() and space else 0
        record = data[position + len(length_text) + 1 : position + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or position + length > len(data):
            raise BadArchiveError("it has a pax header that is damaged")
        records[_text(key)] = _text(value[:-1])
        position += length
    return records


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "surrogateescape")
