"""The programs that build images, unpacked from Debian's packages into the cache, visible to one command at a time."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.cache import cache_directory, make_once
from local.images.errors import ImageUnavailableError
from local.progress import Progress
from local.services.debian import PackagesUnavailableError, unpack_packages

PACKAGES = ("buildah", "golang-github-containers-common", "mmdebstrap", "zstd")

SEEN = 'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr && exec "$@"'
"""In its own mount namespace, /usr includes the tools: buildah re-executes itself by its path in /usr."""


@dataclass(frozen=True)
class Tools:
    """Root directory of the unpacked packages."""

    root: Path

    @property
    def zstd(self) -> Path:
        """The compressor, which runs from its directory."""
        return self.root / "usr/bin/zstd"

    def run(
        self, command: Sequence[str | Path], environment: Mapping[str, str] = os.environ, directory: Path | None = None
    ) -> str:
        """Run a command that sees the tools; return its output.

        Raises ImageUnavailableError with the end of its output.
        """
        wrapped = ["unshare", "--mount", "sh", "-c", SEEN, self.root, *command]
        result = subprocess.run(
            wrapped, env=environment, cwd=directory, capture_output=True, text=True, errors="replace", check=False
        )
        if result.returncode != 0:
            tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
            raise ImageUnavailableError(f"`{' '.join(map(str, command[:2]))}` failed:\n{tail}")
        return result.stdout


def find_tools(progress: Progress, environment: Mapping[str, str] = os.environ) -> Tools:
    """Return the tools from the cache, after fetching them once (seconds). Raises ImageUnavailableError."""
    if os.geteuid() != 0:
        raise ImageUnavailableError("images are built here as root, or by Docker: run this as root, or start Docker")
    target = images_directory(environment) / f"tools-{system_name()}-{short_digest(' '.join(PACKAGES))}"
    make = partial(unpack_packages, PACKAGES, progress=progress)
    try:
        make_once(target, "fetching what builds images", progress, make)
    except PackagesUnavailableError as error:
        raise ImageUnavailableError(
            f"{', '.join(PACKAGES)} build images here, and Debian's packages of them cannot be fetched: {error}\n"
            "Use Debian 12 or newer, or start Docker, which does the same"
        ) from error
    return Tools(target)


def images_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the cache directory of images and what they are made from."""
    return cache_directory(environment) / "images"


def system_name() -> str:
    """Return the release and platform of this machine, as in debian12-x86_64."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return f"{release.get('ID', 'unknown')}{release.get('VERSION_ID', '')}-{platform.machine()}"


def short_digest(*contents: str | bytes) -> str:
    """Return a digest of the contents for a file name."""
    digest = hashlib.sha256()
    for content in contents:
        encoded = content.encode() if isinstance(content, str) else content
        digest.update(b"%d:%s" % (len(encoded), encoded))
    return digest.hexdigest()[:12]
