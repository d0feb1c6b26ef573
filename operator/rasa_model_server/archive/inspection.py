"""The inspection of one model file while it streams by."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rasa_model_server.archive.gzip_stream import GzipDecoder
from rasa_model_server.archive.member_rules import member_problem
from rasa_model_server.archive.problems import BadArchiveError
from rasa_model_server.archive.tar_stream import TarWalker

KEPT_DOCUMENTS = frozenset({"metadata.json", "fingerprint.json"})
"""The members that say how a model was trained: metadata.json in Rasa 3, fingerprint.json in Rasa 1 and 2."""

_MAXIMUM_KEPT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class ArchiveLimits:
    """How much a model file may unpack to."""

    unpacked_bytes: int
    members: int = 100_000


@dataclass(frozen=True)
class ArchiveFacts:
    """What was seen of a model file. Times are seconds since 1970."""

    hash: str
    size: int
    members: int
    newest_member_time: float
    documents: dict[str, bytes]


class ArchiveInspector:
    """Inspects a model file that arrives in blocks. Memory does not grow with the file."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._digest = hashlib.sha256()
        self._gzip = GzipDecoder()
        self._tar = TarWalker(self._see_member)
        self._size = 0
        self._unpacked = 0
        self._members = 0
        self._newest = 0.0
        self._documents: dict[str, bytes] = {}

    def feed(self, block: bytes) -> None:
        """Inspect the next block.

        Raises:
            BadArchiveError: the file is refused. It need not be read on.
        """
        self._digest.update(block)
        self._size += len(block)
        for piece in self._gzip.decode(block):
            self._unpacked += len(piece)
            if self._unpacked > self._limits.unpacked_bytes:
                raise BadArchiveError(f"it unpacks to more than {self._limits.unpacked_bytes} bytes")
            self._tar.feed(piece)

    def finish(self) -> ArchiveFacts:
        """Return what was seen, at the end of the file.

        Raises:
            BadArchiveError: the file is cut off or empty.
        """
        self._gzip.finish()
        self._tar.finish()
        if self._members == 0:
            raise BadArchiveError("its tar has no members")
        return ArchiveFacts(self._digest.hexdigest(), self._size, self._members, self._newest, self._documents)

    def _see_member(self, member: tarfile.TarInfo) -> Callable[[bytes], None] | None:
        self._members += 1
        if self._members > self._limits.members:
            raise BadArchiveError(f"it has more than {self._limits.members} members")
        problem = member_problem(member)
        if problem is not None:
            raise BadArchiveError(problem)
        self._newest = max(self._newest, float(member.mtime))
        name = member.name.removeprefix("./")
        if name in KEPT_DOCUMENTS and member.isreg() and member.size <= _MAXIMUM_KEPT_BYTES:
            return partial(self._documents.__setitem__, name)
        return None
