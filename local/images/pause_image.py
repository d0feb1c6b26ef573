"""The image of the container that holds a pod's namespaces, for a container runtime without a registry."""

import io
import subprocess
import tarfile
from pathlib import Path

from local.images.archive import compress, member, write_archive
from local.images.errors import ImageUnavailableError
from local.images.names import PAUSE_IMAGE, architecture
from local.images.tools import Tools, short_digest

SOURCE = Path(__file__).with_name("pause.c")


def recipe() -> str:
    """Return a digest of what determines the image."""
    return short_digest(SOURCE.read_bytes(), Path(__file__).read_bytes())


def make_pause_image(target: Path, tools: Tools) -> None:
    """Compile the program and write the archive. Raises ImageUnavailableError."""
    program = target.with_name("pause")
    command: list[str | Path] = ["gcc", "-static", "-Os", "-s", "-o", program, SOURCE]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ImageUnavailableError(f"{PAUSE_IMAGE} is compiled, and there is no gcc on PATH: install gcc") from None
    if result.returncode != 0:
        raise ImageUnavailableError(f"compiling {SOURCE.name} failed: is libc6-dev installed?\n{result.stderr.strip()}")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        layer.addfile(member("pause", program.stat().st_size, 0o755), io.BytesIO(program.read_bytes()))
    content.seek(0)
    compressed = compress(content, target.with_name("pause.tar.zst"), tools.zstd)
    settings = {"Entrypoint": ["/pause"], "User": "65535:65535"}
    write_archive(target, PAUSE_IMAGE, settings, [compressed], architecture())
