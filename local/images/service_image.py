"""Images of Redis and PostgreSQL from Debian's packages, which replace Docker's own in the end-to-end tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.images.archive import compress_output, write_archive
from local.images.debian_root import debian_root
from local.images.names import POSTGRESQL_IMAGE, REDIS_IMAGE, architecture, full_name
from local.images.tools import Tools, short_digest
from local.progress import Progress, ticking


@dataclass(frozen=True)
class ServiceImage:
    """An image of one Debian package."""

    name: str
    package: str
    settings: Mapping[str, object]

    def recipe(self) -> str:
        """Return a digest of what determines the image, apart from the release of Debian."""
        return short_digest(self.package, Path(__file__).read_bytes())

    def make(self, target: Path, tools: Tools, progress: Progress, environment: Mapping[str, str]) -> None:
        """Write the archive. Raises ImageUnavailableError."""
        root = debian_root(tools, (self.package,), progress, environment)
        with ticking(progress, f"packing {self.name}", f"packed {self.name}"):
            layer = compress_output(["cat", root], target.parent / "debian", tools.zstd)
            write_archive(target, full_name(self.name), self.settings, [layer], architecture())


REDIS = ServiceImage(
    REDIS_IMAGE,
    "redis-server",
    {
        "Entrypoint": ["redis-server"],
        "User": "999",
        "WorkingDir": "/tmp",  # noqa: S108
        "Env": ["PATH=/usr/bin:/bin"],
        "ExposedPorts": {"6379/tcp": {}},
    },
)
POSTGRESQL = ServiceImage(
    POSTGRESQL_IMAGE,
    "postgresql-15",
    {
        "Entrypoint": ["postgres"],
        "User": "65534",
        "WorkingDir": "/tmp",  # noqa: S108
        "Env": ["PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
        "ExposedPorts": {"5432/tcp": {}},
    },
)
"""Its programs `initdb` and `postgres` are on the path, as in Docker's image; its entry point makes no database."""
