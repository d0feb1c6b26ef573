"""The peer's program, built once from its pinned modules and kept in the cache."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

from local.binaries import BinariesUnavailableError, find_go
from local.cache import cache_directory, make_once
from local.progress import Progress, ticking

SOURCE = Path(__file__).parent / "peer"


def find_or_build_peer(progress: Progress) -> Path:
    """Return the peer's program, after building it if it is not in the cache. Raises BinariesUnavailableError."""
    target = cache_directory() / "bin" / f"bench-peer-{source_digest(SOURCE)}" / "peer"

    def make(path: Path) -> None:
        with ticking(progress, "building the peer", "built the peer"):
            go = find_go(SOURCE, os.environ)
            command: list[str | Path] = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "."]
            environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
            built = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False)
            if built.returncode != 0:
                raise BinariesUnavailableError(f"the peer does not build:\n{built.stderr.strip()}")

    target.parent.mkdir(parents=True, exist_ok=True)
    return make_once(target, "building the peer", progress, make)


def source_digest(source: Path) -> str:
    """Names the files that decide what is built, and the platform."""
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for path in (*sorted(source.glob("go.*")), *sorted(source.glob("*.go"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
