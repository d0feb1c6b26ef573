"""The programs of the services: on the machine, or unpacked once from Debian's packages into the cache."""

import hashlib
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cache import cache_directory, make_once
from local.progress import Progress
from local.services.debian import PackagesUnavailableError, unpack_packages

SYSTEM = Path("/")


class ServiceUnavailableError(RuntimeError):
    """A service can neither be found nor fetched here; the message says what to install."""


@dataclass(frozen=True)
class Service:
    """The Debian package of a service, and a file in it, by a pattern under the root of a file system."""

    package: str
    file: str


RABBITMQ = Service("rabbitmq-server", "usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/README")
POSTGRESQL = Service("postgresql", "usr/lib/postgresql/*/bin/postgres")
REDIS = Service("redis-server", "usr/bin/redis-server")
SERVICES = (RABBITMQ, POSTGRESQL, REDIS)


@dataclass(frozen=True)
class Programs:
    """The root of a file system, "/" or a directory with unpacked packages."""

    root: Path

    def newest(self, pattern: str) -> Path:
        """Return the file or directory that matches the pattern, of the highest version if there are several.

        Raises ServiceUnavailableError.
        """
        found = sorted(self.root.glob(pattern), key=_version)
        if not found:
            raise ServiceUnavailableError(
                f"there is no {pattern} in {self.root}, where it was unpacked: remove that folder"
            )
        return found[-1]

    def environment(self) -> dict[str, str]:
        """Return the variables that the programs need anywhere: a search path, a locale, and their libraries."""
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "GMT"}
        if self.root != SYSTEM:
            folders = (path for pattern in ("usr/lib/*-linux-*", "lib/*-linux-*") for path in self.root.glob(pattern))
            variables["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, folders))
        return variables


def find_programs(
    service: Service, progress: Progress, system: Path = SYSTEM, environment: Mapping[str, str] = os.environ
) -> Programs:
    """Return the programs of `system`, else of the cache, after fetching all services that `system` lacks (seconds).

    Raises ServiceUnavailableError.
    """
    missing = [wanted.package for wanted in SERVICES if not any(system.glob(wanted.file))]
    if service.package not in missing:
        return Programs(system)
    target = cache_directory(environment) / cache_name(missing)
    try:
        make_once(target, "fetching Debian packages", progress, lambda path: unpack_packages(missing, path, progress))
    except PackagesUnavailableError as error:
        raise ServiceUnavailableError(
            f"there is no {service.package} on this machine, and it cannot be fetched without installing it: {error}\n"
            f"Install what is missing, as root: apt-get install {' '.join(missing)}"
        ) from error
    return Programs(target)


def cache_name(packages: Iterable[str]) -> str:
    """Return a name for what determines the folder: the packages, the release of the system and the platform."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    digest = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    return f"services-{release.get('ID', 'unknown')}{release.get('VERSION_ID', '')}-{platform.machine()}-{digest}"


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]
