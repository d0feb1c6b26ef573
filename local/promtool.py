"""Prometheus' tool for rules: the machine's, or Debian's, unpacked once into the cache."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from local.cache import cache_directory, make_once
from local.progress import Progress
from local.services.debian import PackagesUnavailableError, unpack_packages
from local.services.programs import cache_name

PACKAGE = "prometheus"
PROGRAM = "promtool"


class PromtoolUnavailableError(RuntimeError):
    """promtool is neither present nor can it be fetched; the message has a remedy."""


def promtool(progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the program, after fetching it if the machine has none (seconds). Raises PromtoolUnavailableError."""
    found = shutil.which(PROGRAM, path=environment.get("PATH"))
    if found:
        return Path(found)
    target = cache_directory(environment) / cache_name([PACKAGE]).replace("services", PROGRAM) / PROGRAM
    try:
        return make_once(target, f"fetching {PROGRAM}", progress, lambda path: _fetch(path, progress))
    except PackagesUnavailableError as error:
        raise PromtoolUnavailableError(
            f"there is no {PROGRAM} on PATH, and it cannot be fetched without installing it: {error}\n"
            f"Install it, as root: apt-get install {PACKAGE}"
        ) from error


def _fetch(target: Path, progress: Progress) -> None:
    """Unpack the package and keep its one program, which needs nothing but the C library."""
    unpacked = target.parent / "unpacked"
    unpack_packages([PACKAGE], unpacked, progress)
    (unpacked / "usr" / "bin" / PROGRAM).rename(target)
