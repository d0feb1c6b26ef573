"""Archives of images, as `docker save` writes and `docker load` and `ctr images import` read them.

The format is the image specification of Docker 1.2 (moby/docker-image-spec, "Combined Image JSON + Filesystem Changeset
Format"): layers as tar files, a configuration with the digests of their uncompressed content, and manifest.json.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.images.errors import ImageUnavailableError

EPOCH = 315532800
"""Time of built files and images, in seconds: 1980, so that the same content has the same digest."""

CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A layer on disk, compressed with zstd, and the digest of its uncompressed content."""

    path: Path
    digest: str


def compress(content: IO[bytes], target: Path, zstd: Path) -> Layer:
    """Write an uncompressed layer to `target`, on all cores. Raises ImageUnavailableError."""
    digest = hashlib.sha256()
    command: list[str | Path] = [zstd, "-T0", "-3", "--quiet", "--force", "-", "-o", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        if process.stdin is None:
            raise RuntimeError("a pipe was asked for")
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            process.stdin.write(chunk)
        process.stdin.close()
    if process.returncode != 0:
        raise ImageUnavailableError(f"compressing {target.name} failed: is the disk full?")
    return Layer(target, digest.hexdigest())


def compress_output(command: Sequence[str | Path], target: Path, zstd: Path) -> Layer:
    """Write the layer that a command, such as tar, prints. Raises ImageUnavailableError."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        layer = compress(process.stdout, target, zstd)
    if process.returncode != 0:
        raise ImageUnavailableError(f"`{command[0]}` failed with exit code {process.returncode}; see above for why")
    return layer


def configuration(settings: Mapping[str, object], layers: Sequence[Layer], architecture: str) -> dict[str, object]:
    """Return the configuration of an image; `settings` are those of its containers, such as Entrypoint and User."""
    return {
        "architecture": architecture,
        "os": "linux",
        "created": "1980-01-01T00:00:00Z",
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        "history": [{"created": "1980-01-01T00:00:00Z", "comment": layer.path.name} for layer in layers],
    }


def write_archive(target: Path, name: str, settings: Mapping[str, object], layers: Sequence[Layer], arch: str) -> None:
    """Write the archive of an image with this full name, for example docker.io/library/busybox:1."""
    written = json.dumps(configuration(settings, layers, arch), sort_keys=True).encode()
    config = f"{hashlib.sha256(written).hexdigest()}.json"
    files = [f"{layer.digest}.tar" for layer in layers]
    manifest = json.dumps([{"Config": config, "RepoTags": [name], "Layers": files}]).encode()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in (("manifest.json", manifest), (config, written)):
            archive.addfile(member(path, len(content)), io.BytesIO(content))
        for path, layer in zip(files, layers, strict=True):
            with layer.path.open("rb") as compressed:
                archive.addfile(member(path, layer.path.stat().st_size), compressed)


def member(path: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    """Return the header of a file owned by root."""
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = size, mode, EPOCH
    return info
