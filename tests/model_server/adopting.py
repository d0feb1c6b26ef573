"""Places with model files of others, and what a server that adopts them finds there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rasa_model_server.storage import Adoption, Catalogue, ReadingLimits
from rasa_model_server.storage.adopted.place import OWN_PREFIX, open_adopted, open_own
from tests.model_server.s3 import FakeS3

LIMITS = ReadingLimits(file_bytes=10_000_000, unpacked_bytes=100_000_000)
PREFIX = "teams/bot"


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket that others write to."""

    store: FakeS3
    url: str = f"s3://bucket/{PREFIX}"

    def write(self, name: str, content: bytes, at: float | None = None) -> None:
        self.store.objects[f"{PREFIX}/{name}"] = content
        if at is not None:
            self.store.written_at[f"{PREFIX}/{name}"] = at

    def remove(self, name: str) -> None:
        del self.store.objects[f"{PREFIX}/{name}"]

    def content(self) -> Mapping[str, bytes]:
        """All that is below the prefix, by path."""
        return {key.removeprefix(f"{PREFIX}/"): content for key, content in self.store.objects.items()}


@dataclass(frozen=True)
class Directory:
    """A directory that others write to."""

    path: Path

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def write(self, name: str, content: bytes, at: float | None = None) -> None:
        """Write it beside, and rename, so that it is another file each time."""
        file = self.path / name
        file.parent.mkdir(exist_ok=True)
        written = self.path / "part"
        written.write_bytes(content)
        if at is not None:
            os.utime(written, (at, at))
        written.rename(file)

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    def content(self) -> Mapping[str, bytes]:
        files = [file for file in self.path.rglob("*") if file.is_file()]
        return {str(file.relative_to(self.path)): file.read_bytes() for file in files}


Place = Bucket | Directory


@dataclass
class Adopting:
    """One server that adopts a place, without its web, and without a clock: it scans when it is told to."""

    place: Place
    storage: str | None = None
    limits: ReadingLimits = LIMITS
    adoption: Adoption = field(init=False)
    catalogue: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        own = open_own(self.storage, self.place.url)
        self.adoption = Adoption(open_adopted(self.place.url), own, self.limits)
        self.catalogue = Catalogue(own.store, own.directory, self.adoption)

    async def settle(self) -> None:
        """Scan, read what there is to read, and write the index."""
        await self.adoption.scan()
        while await self.adoption.read_next():
            pass
        await self.adoption.save()

    async def names(self) -> list[str]:
        return [model.record.model for model in await self.catalogue.models()]

    async def pulled(self, tag: str) -> bytes | None:
        """What a pull of the tag brings."""
        record = await self.catalogue.model_with_tag(tag)
        if record is None:
            return None
        content = await self.catalogue.read_archive(record.archive, 0, record.size)
        pieces = [bytes(piece) async for piece in content]
        return b"".join(pieces)


def foreign(place: Place) -> dict[str, bytes]:
    """What others wrote: all but what is below the server's own prefix."""
    return {path: content for path, content in place.content().items() if not path.startswith(OWN_PREFIX)}
