"""Where Rasa's way of unpacking a model writes files."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rasa_model_server.archive import ArchiveFacts, ArchiveInspector, ArchiveLimits, BadArchiveError

LIMITS = ArchiveLimits(unpacked_bytes=100_000_000)
DEPTH = "a/b/c/d/inside"
"""Deep enough for a path with several `..` to end where it is looked for."""


@dataclass(frozen=True)
class Unpacked:
    """The sizes of the files that were written: in the directory that was meant, by their paths, and anywhere else."""

    inside: Mapping[str, int]
    elsewhere: Mapping[str, int]


def inspected(content: bytes, block_size: int = 2**20, limits: ArchiveLimits = LIMITS) -> ArchiveFacts:
    inspector = ArchiveInspector(limits)
    for start in range(0, len(content), block_size):
        inspector.feed(content[start : start + block_size])
    return inspector.finish()


def accepted(content: bytes) -> ArchiveFacts | None:
    """What the inspection says of a model file, None if it refuses it."""
    try:
        return inspected(content)
    except BadArchiveError:
        return None


def unpacked(content: bytes, mode: str) -> Unpacked:
    """Unpack as Rasa does: 1.10 and 2.8 what they pulled in the mode "r", all of them files in the mode "r:gz"."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        target = top / DEPTH
        target.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(content), mode=mode) as archive:  # type: ignore[call-overload]
            archive.extraction_filter = lambda member, _: member  # Python 3.11.2 has no filters, and ignores this
            archive.extractall(target)
        return found_below(top)


def found_below(top: Path) -> Unpacked:
    """What is below a directory in whose DEPTH an archive was unpacked. Links count as files, with their targets."""
    target = top / DEPTH
    inside: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    for path in top.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        within = path.is_relative_to(target)
        shown = f"{path} -> {path.readlink()}" if path.is_symlink() else None
        name = shown or path.relative_to(target if within else top).as_posix()
        (inside if within else elsewhere)[name] = path.lstat().st_size
    return Unpacked(inside, elsewhere)
