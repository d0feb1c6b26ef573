"""An image of a release of Rasa: Debian, and the Python and virtual environment that run it on this machine.

It replaces Rasa's own rasa/rasa:<version>-full, with the same entry point, user and working directory.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from local.images.archive import compress_output, write_archive
from local.images.debian_root import debian_root
from local.images.errors import ImageUnavailableError
from local.images.names import architecture, full_name, rasa_image_name
from local.images.tools import Tools, short_digest
from local.progress import Progress, ticking
from local.rasa import RasaRelease, RasaUnavailableError, rasa_environment
from local.rasa.environment import environment_name
from local.rasa.python import python_version

PACKAGES = ("ca-certificates", "libffi8", "libgomp1", "libsqlite3-0", "libssl3", "libstdc++6")
"""Libraries that extension modules of a Python compiled on Debian, and of Rasa's dependencies, link to."""

PYTHON = "opt/python"
ENVIRONMENT = "opt/venv"

SETTINGS = {
    "Entrypoint": ["rasa"],
    "Cmd": ["--help"],
    "User": "1001",
    "WorkingDir": "/app",
    "Env": [f"PATH=/{ENVIRONMENT}/bin:/usr/local/bin:/usr/bin:/bin", "HOME=/app", "LANG=C.UTF-8"],
    "ExposedPorts": {"5005/tcp": {}},
}

NOT_OF_PYTHON = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "config-*")
NOT_OF_ENVIRONMENT = (
    *("tests", "pip", "pip-*", "jax", "jax-*", "jaxlib", "jaxlib-*", "clang", "libclang*"),
    "tensorflow/include",
)
"""What Rasa demonstrably does not need. Bytecode is kept, since user 1001 cannot write it and importing Rasa takes
twice as long without it. tar preserves modification times, by which Python knows that it is up to date."""

_TAR = ("tar", "--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner")


def recipe(release: RasaRelease) -> str:
    """Return a digest of what determines the image, apart from the release of Debian."""
    return short_digest(environment_name(release, release.pythons[0]), Path(__file__).read_bytes())


def make_rasa_image(
    release: RasaRelease, target: Path, tools: Tools, progress: Progress, environment: Mapping[str, str]
) -> None:
    """Write the archive, after making the virtual environment if necessary. Raises ImageUnavailableError."""
    name = rasa_image_name(release.version)
    try:
        binaries = rasa_environment(progress, release, environment)
    except RasaUnavailableError as error:
        raise ImageUnavailableError(f"{name} is made of real Rasa, which cannot be had here: {error}") from error
    python = binaries / "python"
    prefix = python_prefix(python)
    root = debian_root(tools, PACKAGES, progress, environment)
    with ticking(progress, f"packing {name}", f"packed {name}"):
        directory = target.parent
        tree = directory / "tree"
        finish(tree, binaries, prefix, python_version(python) or release.pythons[0])
        commands: dict[str, list[str | Path]] = {
            "Debian": ["cat", root],
            "Python": pack_python(prefix),
            f"{release}": pack_environment(binaries.parent),
            "entry point": [*_TAR, f"--directory={tree}", *(path.name for path in sorted(tree.iterdir()))],
        }
        layers = [compress_output(command, directory / title, tools.zstd) for title, command in commands.items()]
        write_archive(target, full_name(name), SETTINGS, layers, architecture())


def python_prefix(python: Path) -> Path:
    """Return the prefix of the virtual environment's Python. Raises ImageUnavailableError if it is the system's."""
    command: list[str | Path] = [python, "-c", "import sys; print(sys.base_prefix)"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    prefix = Path(answer.stdout.strip())
    if prefix in (Path("/usr"), Path("/usr/local")):
        raise ImageUnavailableError(
            f"Rasa runs on the Python of {prefix} here, which cannot be packed alone: install one of its own, "
            "as pyenv and uv do, and name it in RASA_PYTHON"
        )
    return prefix


def pack_python(prefix: Path) -> list[str | Path]:
    """Return the tar command for the interpreter and its standard library."""
    excluded = [f"--exclude=./lib/python*/{name}" for name in NOT_OF_PYTHON]
    return [*_TAR, *excluded, f"--transform=flags=rh;s,^\\./,{PYTHON}/,", f"--directory={prefix}", "./bin", "./lib"]


def pack_environment(directory: Path) -> list[str | Path]:
    """Return the tar command for the packages of the virtual environment."""
    excluded = [f"--exclude=*/{name}" for name in NOT_OF_ENVIRONMENT]
    return [*_TAR, *excluded, f"--transform=flags=rh;s,^\\./,{ENVIRONMENT}/,", f"--directory={directory}", "./lib"]


def finish(tree: Path, binaries: Path, prefix: Path, version: str) -> None:
    """Write the scripts and links of the image, and a home for any user.

    `version` is that of the Python, as in "3.10".
    """
    scripts = tree / ENVIRONMENT / "bin"
    scripts.mkdir(parents=True)
    for script in binaries.iterdir():
        if script.is_file() and not script.is_symlink() and script.read_bytes().startswith(b"#!"):
            (scripts / script.name).write_bytes(moved_script(script.read_bytes(), binaries))
            (scripts / script.name).chmod(0o755)
    (scripts / f"python{version}").symlink_to(f"/{PYTHON}/bin/python{version}")
    for name in ("python", "python3"):
        (scripts / name).symlink_to(f"python{version}")
    (tree / ENVIRONMENT / "pyvenv.cfg").write_text(f"home = /{PYTHON}/bin\ninclude-system-site-packages = false\n")
    libraries = tree / "usr/lib"
    libraries.mkdir(parents=True)
    for library in (prefix / "lib").glob("libpython*.so*"):
        (libraries / library.name).symlink_to(f"/{PYTHON}/lib/{library.name}")
    (tree / "app").mkdir()
    (tree / "app").chmod(0o775)


def moved_script(text: bytes, binaries: Path) -> bytes:
    """Return a script whose first line names the interpreter in the image."""
    return text.replace(bytes(binaries), f"/{ENVIRONMENT}/bin".encode())
