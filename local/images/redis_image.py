"""An image of Redis from Debian's package, for environments with several Rasa servers; it replaces Docker's own."""

from collections.abc import Mapping
from pathlib import Path

from local.images.archive import compress_output, write_archive
from local.images.debian_root import debian_root
from local.images.names import REDIS_IMAGE, architecture, full_name
from local.images.tools import Tools, short_digest
from local.progress import Progress, ticking

PACKAGES = ("redis-server",)

SETTINGS = {
    "Entrypoint": ["redis-server"],
    "User": "999",
    "WorkingDir": "/tmp",  # noqa: S108
    "Env": ["PATH=/usr/bin:/bin"],
    "ExposedPorts": {"6379/tcp": {}},
}


def recipe() -> str:
    """Return a digest of what determines the image, apart from the release of Debian."""
    return short_digest(*PACKAGES, Path(__file__).read_bytes())


def make_redis_image(target: Path, tools: Tools, progress: Progress, environment: Mapping[str, str]) -> None:
    """Write the archive. Raises ImageUnavailableError."""
    root = debian_root(tools, PACKAGES, progress, environment)
    with ticking(progress, f"packing {REDIS_IMAGE}", f"packed {REDIS_IMAGE}"):
        layer = compress_output(["cat", root], target.parent / "debian", tools.zstd)
        write_archive(target, full_name(REDIS_IMAGE), SETTINGS, [layer], architecture())
