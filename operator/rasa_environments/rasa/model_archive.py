"""Identification of a model file while it is downloaded, keeping only one small document of it.

Rasa 3 writes its `model_id` to `metadata.json` (rasa 3.6, engine/storage/storage.py: ModelMetadata) and reports it in
`/status`; Rasa 1 and 2 write the time of the training to `fingerprint.json` (rasa 2.8, model.py: model_fingerprint) and
report that, too. Both files come after the components, so an archive is usually read to its end.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from outbound_http.json_size import has_too_many_values
from rasa_environments.rasa.listing import MODEL_ID, Time

MAXIMUM_ARCHIVE = 512 * 1024 * 1024
"""Maximum bytes of a model file."""
MAXIMUM_UNPACKED = 2 * 1024 * 1024 * 1024
"""Maximum unpacked bytes; skipped content costs time, not memory."""
MAXIMUM_DOCUMENT = 4 * 1024 * 1024
MAXIMUM_MEMBERS = 100_000
PIECE = 256 * 1024
"""Bytes that are unpacked at a time."""
METADATA, FINGERPRINT = "metadata.json", "fingerprint.json"
GZIP = 16 + zlib.MAX_WBITS


class BadArchiveError(Exception):
    """The file is not a model archive, or too large; the message says which, without repeating content."""


@dataclass(frozen=True)
class ModelIdentity:
    """What identifies a model both in its file and in the status of a Rasa server."""

    model_id: str | None = None
    """Rasa 3: the id from the training."""
    trained_at: float | None = None
    """Rasa 1 and 2: the time of the training (seconds since 1970)."""


class _Metadata(BaseModel):
    model_id: Annotated[str, Field(pattern=f"^{MODEL_ID.pattern}$")]


class _Fingerprint(BaseModel):
    trained_at: Time


_METADATA, _FINGERPRINT = TypeAdapter(_Metadata), TypeAdapter(_Fingerprint)


class ModelArchive:
    """A *.tar.gz that arrives in chunks; `identity` is known once the identifying document has been read."""

    def __init__(self) -> None:
        self.identity: ModelIdentity | None = None
        self._gzip = zlib.decompressobj(GZIP)
        self._unpacked = 0
        self._members = 0
        self._header = bytearray()
        self._to_pass = 0
        self._document: tuple[str, int, bytearray] | None = None
        """Name, size and content so far of the document that is being read."""
        self._ended = False

    def feed(self, data: bytes) -> bool:
        """Process the next bytes of the file; return whether more are needed. Raises BadArchiveError."""
        for piece in self._pieces(data):
            self._walk(piece)
            if self.identity is not None or self._ended:
                return False
        return True

    def finish(self) -> ModelIdentity:
        """Return the identity at the end of the file. Raises BadArchiveError if there is none."""
        if self.identity is not None:
            return self.identity
        if self._ended:
            raise BadArchiveError(
                f"it has neither {METADATA} nor {FINGERPRINT}, as a model that `rasa train` wrote has"
            )
        raise BadArchiveError("it is cut off, or no gzip at all")

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        full = False
        while (data or full) and not self._gzip.eof:
            try:
                piece = self._gzip.decompress(data, PIECE)
            except zlib.error:
                raise BadArchiveError("it is no gzip, or a damaged one") from None
            self._unpacked += len(piece)
            if self._unpacked > MAXIMUM_UNPACKED:
                raise BadArchiveError(f"it unpacks to more than the {MAXIMUM_UNPACKED // 1024**3} GiB that are read")
            data, full = self._gzip.unconsumed_tail, len(piece) == PIECE  # zlib may then hold more.
            if piece:
                yield piece

    def _walk(self, piece: bytes) -> None:
        position = 0
        while position < len(piece) and self.identity is None and not self._ended:
            if self._document is not None:
                name, size, found = self._document
                taken = piece[position : position + size - len(found)]
                found += taken
                position += len(taken)
                if len(found) == size:
                    self._document = None
                    self.identity = identity_in(name, bytes(found))
            elif self._to_pass:
                passed = min(self._to_pass, len(piece) - position)
                self._to_pass -= passed
                position += passed
            else:
                taken = piece[position : position + tarfile.BLOCKSIZE - len(self._header)]
                self._header += taken
                position += len(taken)
                if len(self._header) == tarfile.BLOCKSIZE:
                    self._begin(bytes(self._header))
                    self._header.clear()

    def _begin(self, header: bytes) -> None:
        """Begin the member with this header, or end at the block of zeros."""
        if header.count(0) == tarfile.BLOCKSIZE:
            self._ended = True
            return
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError):
            raise BadArchiveError("inside the gzip it is no tar, or a damaged one") from None
        self._members += 1
        if member.size < 0 or self._members > MAXIMUM_MEMBERS:
            raise BadArchiveError("its tar is none that `rasa train` writes")
        self._to_pass = member.size + -member.size % tarfile.BLOCKSIZE
        name = member.name.removeprefix("./")
        if member.isreg() and name in (METADATA, FINGERPRINT):
            if member.size > MAXIMUM_DOCUMENT:
                raise BadArchiveError(f"its {name} is larger than the {MAXIMUM_DOCUMENT // 1024**2} MiB that are read")
            self._document = (name, member.size, bytearray())
            self._to_pass = -member.size % tarfile.BLOCKSIZE


def identity_in(name: str, document: bytes) -> ModelIdentity:
    """Return the identity in metadata.json or fingerprint.json. Raises BadArchiveError if there is none."""
    try:
        if has_too_many_values(document):
            raise BadArchiveError(f"its {name} has more values than are read")
        if name == METADATA:
            return ModelIdentity(model_id=_METADATA.validate_json(document).model_id)
        return ModelIdentity(trained_at=_FINGERPRINT.validate_json(document).trained_at)
    except ValidationError:
        what = "model_id" if name == METADATA else "trained_at"
        raise BadArchiveError(f"its {name} has no {what}, as `rasa train` writes it") from None
