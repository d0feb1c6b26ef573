"""Reading of image archives: the configuration, and the files of the layers."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field


class Settings(BaseModel):
    """Settings of an image's containers (image specification of the OCI, `config`)."""

    user: str = Field(alias="User", default="")
    environment: list[str] = Field(alias="Env", default=[])
    entry_point: list[str] = Field(alias="Entrypoint", default=[])
    command: list[str] = Field(alias="Cmd", default=[])
    labels: dict[str, str] = Field(alias="Labels", default={})


class Step(BaseModel):
    """A line of an image's history."""

    created: str = ""
    created_by: str = ""
    comment: str = ""


class Configuration(BaseModel):
    """The configuration of an image."""

    architecture: str
    config: Settings
    history: list[Step] = []


class _Manifest(BaseModel):
    config: str = Field(alias="Config")
    names: list[str] = Field(alias="RepoTags")
    layers: list[str] = Field(alias="Layers")


@dataclass(frozen=True)
class ImageArchive:
    """An archive of one image, as `docker save` writes it."""

    path: Path

    def names(self) -> list[str]:
        """Return the names that the image gets when it is loaded."""
        return self._manifest().names

    def configuration(self) -> Configuration:
        """Return the configuration of the image."""
        return Configuration.model_validate_json(self.configuration_text())

    def configuration_text(self) -> str:
        """Return the configuration as JSON, with everything that a reader of the image could see."""
        with tarfile.open(self.path) as archive:
            return _content(archive, self._manifest().config).decode()

    @contextmanager
    def layers(self) -> Iterator[list[tarfile.TarFile]]:
        """Yield the opened layers, lowest first; layers compressed with zstd cannot be read."""
        with ExitStack() as opened:
            archive = opened.enter_context(tarfile.open(self.path))
            names = self._manifest().layers
            yield [opened.enter_context(tarfile.open(fileobj=archive.extractfile(name))) for name in names]

    def unpack(self, directory: Path) -> None:
        """Write the files of the image below the directory, with their owners if run as root."""
        with self.layers() as layers:
            for layer in layers:
                layer.extraction_filter = _as_it_is
                layer.extractall(directory, numeric_owner=True)  # noqa: S202 (built here)

    def _manifest(self) -> _Manifest:
        with tarfile.open(self.path) as archive:
            (image,) = json.loads(_content(archive, "manifest.json"))
            return _Manifest.model_validate(image)


def _as_it_is(member: tarfile.TarInfo, _: str) -> tarfile.TarInfo:
    """Unpack all of a member, as "fully_trusted" does; Python 3.11.2 has no filters, and does so in any case."""
    return member


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is no file in the archive")
    return member.read()
