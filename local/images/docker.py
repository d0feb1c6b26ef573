"""Docker, if it is available: it builds the Dockerfile, and fetches Rasa's own image."""

import shutil
import subprocess
from pathlib import Path

from local.images.errors import ImageUnavailableError
from local.images.names import OPERATOR_IMAGE, PROJECT, VERSION
from local.progress import Progress, ticking


def docker_answers() -> bool:
    """Return whether Docker is available."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60).returncode == 0


def build_by_docker(target: Path, progress: Progress) -> None:
    """Build the project's Dockerfile and write the archive. Raises ImageUnavailableError."""
    with ticking(progress, f"building {OPERATOR_IMAGE} by Docker", f"built {OPERATOR_IMAGE}"):
        _run("build", "--build-arg", f"VERSION={VERSION}", "--tag", OPERATOR_IMAGE, str(PROJECT))
        _run("save", "--output", str(target), OPERATOR_IMAGE)


def fetch_by_docker(name: str, target: Path, progress: Progress) -> None:
    """Write the archive of an image from a registry. Raises ImageUnavailableError."""
    with ticking(progress, f"fetching {name} by Docker", f"fetched {name}"):
        _run("pull", name)
        _run("save", "--output", str(target), name)


def _run(command: str, *arguments: str) -> None:
    result = subprocess.run(["docker", command, *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise ImageUnavailableError(f"`docker {command}` failed:\n{tail}")
