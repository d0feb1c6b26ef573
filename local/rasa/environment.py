"""The virtual environment of a release of Rasa: found in the cache, or made there once from the committed pins."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local.cache import cache_directory, locked
from local.progress import Progress, ticking
from local.rasa.python import RasaUnavailableError, find_python, python_version
from local.rasa.release import LATEST, RasaRelease


def rasa_environment(
    progress: Progress, release: RasaRelease = LATEST, environment: Mapping[str, str] = os.environ
) -> Path:
    """Return the `bin` directory with `rasa` and `python`, after installing Rasa once (minutes).

    Raises RasaUnavailableError.
    """
    python = find_python(release.pythons, environment)
    if python is None:
        raise RasaUnavailableError(
            f"real {release} needs Python {' or '.join(release.pythons)} with venv; there is none on PATH, in pyenv or "
            f"in uv: install one (`pyenv install {release.pythons[0]}`), or name one in RASA_PYTHON"
        )
    version = python_version(python) or ""
    if version != release.pythons[0]:
        progress(f"{release} runs on Python {version} here rather than on {release.pythons[0]}")
    directory = cache_directory(environment) / environment_name(release, version)
    complete = directory / ".complete"
    if not complete.exists():
        with locked(directory.parent / f".{directory.name}.lock", f"installing {release}", progress):
            if not complete.exists():
                _install(release, python, directory, progress)
                complete.touch()
    return directory / "bin"


def environment_name(release: RasaRelease, version: str) -> str:
    """Return a name for what determines the virtual environment: the versions of Rasa and Python, and the pins."""
    digest = hashlib.sha256(release.recipe).hexdigest()[:12]
    return f"{release.product.lower().replace(' ', '-')}-{release.version}-python{version}-{digest}"


def _install(release: RasaRelease, python: Path, directory: Path, progress: Progress) -> None:
    """Install in the final place, since scripts contain the interpreter's path; `.complete` marks success."""
    shutil.rmtree(directory, ignore_errors=True)
    with ticking(
        progress,
        f"installing {release} with {python} ({release.size})",
        f"installed {release}",
    ):
        _run(release, [python, "-m", "venv", directory])
        _run(release, [directory / "bin" / "pip", "install", "--quiet", *release.wanted])
        program, *arguments = release.check
        _run(release, [directory / "bin" / program, *arguments])


def _run(release: RasaRelease, command: list[Path | str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise RasaUnavailableError(f"installing {release} failed at `{Path(command[0]).name}`:\n{tail}")
