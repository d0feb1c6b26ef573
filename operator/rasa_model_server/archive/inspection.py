"""The inspection of one model file while it streams by."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rasa_model_server.archive.gzip_stream import GzipDecoder
from rasa_model_server.archive.member_tree import MemberTree
from rasa_model_server.archive.problems import BadArchiveError
from rasa_model_server.archive.tar_stream import Member, TarWalker

KEPT_DOCUMENTS = frozenset({"metadata.json", "fingerprint.json"})
"""The members that say how a model was trained: metadata.json in Rasa 3, fingerprint.json in Rasa 1 and 2."""

_MAXIMUM_KEPT_BYTES = 8 * 1024 * 1024
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class ArchiveLimits:
    """How much a model file may unpack to, and how much work its inspection may take."""

    unpacked_bytes: int
    members: int = 10_000
    """Files and directories, including those that only the paths of others name."""
    free_unpacked_bytes: int = 64 * _MEBIBYTE
    ratio: int = 200
    """How many times its size a file may unpack to, beside the free bytes."""
    free_cpu_seconds: float = 5.0
    cpu_seconds_per_mebibyte: float = 0.05
    """Of the file as it was uploaded, beside the free seconds."""


@dataclass(frozen=True)
class ArchiveFacts:
    """What the inspection found in a model file. Times are seconds since 1970."""

    hash: str
    size: int
    members: int
    newest_member_time: float
    documents: dict[str, bytes]
    files: Mapping[str, int]
    """The paths of all files that unpacking it writes, and their sizes in bytes."""


class ArchiveInspector:
    """Inspects a model file that arrives in blocks. Memory does not grow with the file.

    `cpu_clock` returns the CPU seconds of the thread.
    """

    def __init__(self, limits: ArchiveLimits, cpu_clock: Callable[[], float] = time.thread_time) -> None:
        self._limits = limits
        self._cpu_clock = cpu_clock
        self._digest = hashlib.sha256()
        self._gzip = GzipDecoder()
        self._tar = TarWalker(self._see_member)
        self._tree = MemberTree(limits.members)
        self._size = 0
        self._unpacked = 0
        self._members = 0
        self._newest = 0.0
        self._cpu_seconds = 0.0
        self._documents: dict[str, bytes] = {}

    def feed(self, block: bytes) -> None:
        """Inspect the next block.

        Raises BadArchiveError if the file is refused. It need not be read any further.
        """
        before = self._cpu_clock()
        self._digest.update(block)
        self._size += len(block)
        for piece in self._gzip.decode(block):
            self._unpacked += len(piece)
            self._check_work(self._cpu_seconds + self._cpu_clock() - before)
            self._tar.feed(piece)
        self._cpu_seconds += self._cpu_clock() - before
        self._check_work(self._cpu_seconds)

    def finish(self) -> ArchiveFacts:
        """Return what was found, at the end of the file.

        Raises BadArchiveError if the file is truncated or empty.
        """
        self._gzip.finish()
        self._tar.finish()
        if self._members == 0:
            raise BadArchiveError("its tar has no members")
        return ArchiveFacts(
            self._digest.hexdigest(), self._size, self._members, self._newest, self._documents, self._tree.files
        )

    def _check_work(self, cpu_seconds: float) -> None:
        limits = self._limits
        if self._unpacked > limits.unpacked_bytes:
            raise BadArchiveError(f"it unpacks to more than {limits.unpacked_bytes} bytes")
        if self._unpacked > limits.free_unpacked_bytes + limits.ratio * self._size:
            raise BadArchiveError(f"it unpacks to more than {limits.ratio} times its size")
        if cpu_seconds > limits.free_cpu_seconds + limits.cpu_seconds_per_mebibyte * self._size / _MEBIBYTE:
            raise BadArchiveError("to unpack it takes more time than a model of its size takes")

    def _see_member(self, member: Member) -> Callable[[bytes], None] | None:
        self._members += 1
        path = self._tree.add(member.name, directory=member.directory, size=member.size)
        self._newest = max(self._newest, member.mtime)
        if path in KEPT_DOCUMENTS and not member.directory and member.size <= _MAXIMUM_KEPT_BYTES:
            return partial(self._documents.__setitem__, path)
        return None
