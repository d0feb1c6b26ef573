"""Finds the Python for a release of Rasa."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.rasa.release import RASA_PRO_RELEASES, RELEASES


class RasaUnavailableError(RuntimeError):
    """Real Rasa cannot be run here; the message says in one line what is missing and what to do."""


def find_python(versions: Sequence[str], environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return a working Python of the first available version, or None.

    RASA_PYTHON may name one or several, separated as in PATH. If none of them has a suitable version, it is searched
    for on PATH, in the directories of pyenv and uv, and last in the running interpreter. Raises RasaUnavailableError if
    RASA_PYTHON names something that no release runs on.
    """
    named = _named(environment)
    for version in versions:
        if version in named:
            return named[version]
    for version in versions:
        for candidate in _candidates(version, environment):
            if python_version(candidate) == version:
                return candidate
    return None


def python_version(python: Path) -> str | None:
    """Return its version, as in "3.10", if it runs (a pyenv shim may not) and can make virtual environments."""
    if not os.access(python, os.X_OK):
        return None
    question = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", question], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _named(environment: Mapping[str, str]) -> dict[str, Path]:
    releases = (*RELEASES.values(), *RASA_PRO_RELEASES.values())
    known = dict.fromkeys(version for release in releases for version in release.pythons)
    named: dict[str, Path] = {}
    for asked in filter(None, environment.get("RASA_PYTHON", "").split(os.pathsep)):
        found = shutil.which(asked, path=environment.get("PATH"))
        version = python_version(Path(found)) if found else None
        if found is None or version not in known:
            raise RasaUnavailableError(
                f"RASA_PYTHON={asked} is no Python {' or '.join(known)} with venv: set it to one"
            )
        named.setdefault(version, Path(found))
    return named


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    for folder in filter(None, environment.get("PATH", os.defpath).split(os.pathsep)):
        yield Path(folder) / f"python{version}"
    for pattern in (f"versions/{version}.*", f"cpython-{version}.*"):
        for root in _roots(environment):
            yield from sorted(root.glob(f"{pattern}/bin/python{version}"), reverse=True)
    yield Path(sys.executable)


def _roots(environment: Mapping[str, str]) -> list[Path]:
    """Return the directories of pyenv and uv (PYENV_ROOT, UV_PYTHON_INSTALL_DIR, or their defaults at home)."""
    home = Path(environment.get("HOME", "/"))
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    chosen = filter(None, map(environment.get, ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR")))
    return [*map(Path, chosen), home / ".pyenv", data / "uv" / "python"]
