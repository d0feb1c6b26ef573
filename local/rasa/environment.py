"""The virtual environment of real Rasa: found in the cache, or made there once from the committed pins."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.cache import cache_directory, locked
from local.progress import Progress, ticking

RASA_VERSION = "3.6.21"

REQUIREMENTS = Path(__file__).parent / f"requirements-{RASA_VERSION}.txt"

PYTHON_VERSIONS = ("3.10", "3.11")
"""Those that run it, best first. Its metadata allow 3.8 to 3.10; 3.11 was seen to train, serve and answer as well."""


class RasaUnavailable(RuntimeError):
    """Real Rasa cannot be run here; the message says in one line what is missing and what to do."""


def find_rasa_python(environment: Mapping[str, str] = os.environ) -> Path | None:
    """A Python 3.10 that runs, else a 3.11: RASA_PYTHON, or the first on PATH, of pyenv, or the one running this.

    Raises RasaUnavailable when RASA_PYTHON is set and does not do.
    """
    asked = environment.get("RASA_PYTHON")
    if asked:
        python = shutil.which(asked, path=environment.get("PATH"))
        if python is None or python_version(Path(python)) not in PYTHON_VERSIONS:
            raise RasaUnavailable(
                f"RASA_PYTHON={asked} is no Python {' or '.join(PYTHON_VERSIONS)} with venv: set it to one"
            )
        return Path(python)
    for version in PYTHON_VERSIONS:
        for candidate in _candidates(version, environment):
            if python_version(candidate) == version:
                return candidate
    return None


def rasa_environment(progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """The `bin` directory with `rasa` and `python`, after installing Rasa once (minutes). Raises RasaUnavailable."""
    python = find_rasa_python(environment)
    if python is None:
        raise RasaUnavailable(
            f"real Rasa {RASA_VERSION} needs Python {' or '.join(PYTHON_VERSIONS)} with venv: install one "
            f"(`pyenv install {PYTHON_VERSIONS[0]}`), or set RASA_PYTHON"
        )
    version = python_version(python) or ""
    if version != PYTHON_VERSIONS[0]:
        progress(f"Rasa {RASA_VERSION} runs on Python {version} here: it promises no more than {PYTHON_VERSIONS[0]}")
    directory = cache_directory(environment) / environment_name(version)
    complete = directory / ".complete"
    if not complete.exists():
        with locked(directory.parent / f".{directory.name}.lock", f"installing Rasa {RASA_VERSION}", progress):
            if not complete.exists():
                _install(python, directory, progress)
                complete.touch()
    return directory / "bin"


def environment_name(version: str, requirements: Path = REQUIREMENTS) -> str:
    """Names what decides the content of the virtual environment: the versions of Rasa and Python, and the pins."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    return f"rasa-{RASA_VERSION}-python{version}-{digest}"


def python_version(python: Path) -> str | None:
    """Its version, as in "3.10", if it runs (a shim of pyenv may not) and can make virtual environments."""
    if not os.access(python, os.X_OK):
        return None
    question = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", question], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    for folder in filter(None, environment.get("PATH", os.defpath).split(os.pathsep)):
        yield Path(folder) / f"python{version}"
    roots = [environment.get("PYENV_ROOT"), str(Path(environment.get("HOME", "/")) / ".pyenv")]
    for root in filter(None, roots):
        yield from sorted(Path(root).glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    yield Path(sys.executable)


def _install(python: Path, directory: Path, progress: Progress) -> None:
    """Made in its final place, since scripts name their interpreter by its path; `.complete` says that it is whole."""
    shutil.rmtree(directory, ignore_errors=True)
    with ticking(
        progress,
        f"installing Rasa {RASA_VERSION} with {python} (2.7 GB on disk, one to three minutes)",
        f"installed Rasa {RASA_VERSION}",
    ):
        _run([python, "-m", "venv", directory])
        _run(
            [
                directory / "bin" / "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--ignore-requires-python",
                "--requirement",
                REQUIREMENTS,
            ]
        )
        _run([directory / "bin" / "rasa", "--version"])


def _run(command: list[Path | str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise RasaUnavailable(f"installing Rasa {RASA_VERSION} failed at `{Path(command[0]).name}`:\n{tail}")
