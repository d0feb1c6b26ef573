"""`python -m release.plugin`: the archive of `kubectl rasa` for this platform, and its manifest for krew.

The archive holds the program, the one that completes its words, and beside them the libraries of
requirements-runtime.lock, some of which have native parts: these cannot be loaded from a zip, which rules out zipapp.
krew unpacks only regular files and folders, and links the program into its own folder (krew.sigs.k8s.io,
"Writing plugin manifests").
"""

import argparse
import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from local.cache import cache_directory, make_once
from local.installation import MANIFESTS, ROOT
from local.progress import ConsoleProgress, Progress, ticking
from local.readable_yaml import readable
from rasa_environments.api.base import JsonObject

MANIFEST = MANIFESTS / "krew" / "rasa.yaml"
PROGRAM = "kubectl-rasa"
COMPLETION = "kubectl_complete-rasa"
"""kubectl runs it to complete the plugin's words, if it is on PATH, where krew does not link it."""
LOCK = ROOT / "requirements-runtime.lock"
SOURCES = (ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE", ROOT / "operator")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

LAUNCHER = f"""#!/usr/bin/env {PYTHON}
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "libraries"))

from {{module}} import main

main()
"""
MODULES = {PROGRAM: "rasa_environments.cli", COMPLETION: "rasa_environments.cli.completion.program"}
"""The module whose `main` each program runs."""

UNUSED = ("client/api", "client/models", "aio/client/api", "aio/client/models")
"""Parts of the Kubernetes library with a class for each kind of object, which make up half of everything."""


class PluginUnavailableError(RuntimeError):
    """The archive cannot be built here; the message says why."""


def this_platform() -> tuple[str, str]:
    """Return operating system and architecture, as named by Go and krew."""
    machine = platform.machine()
    return sys.platform, ARCHITECTURES.get(machine, machine)


def version() -> str:
    """Return the version of the project, as krew requires it, for example v0.2.0."""
    for line in (ROOT / "pyproject.toml").read_text().splitlines():
        if line.startswith("version = "):
            return "v" + line.split('"')[1]
    raise PluginUnavailableError("pyproject.toml names no version")


def plugin_archive(progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the archive, built once for the same sources and libraries. Raises PluginUnavailableError."""
    system, architecture = this_platform()
    name = f"{PROGRAM}-{version()}-{system}-{architecture}.tar.gz"
    digest = digest_of([LOCK, Path(__file__), *files_of(SOURCES)])
    target = cache_directory(environment) / f"plugin-{PYTHON}-{digest}" / name

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch, ticking(progress, f"making {name}", f"made {name}"):
            folder = Path(scratch) / "plugin"
            shutil.copytree(libraries(progress, environment), folder / "libraries")
            install_project(folder / "libraries", Path(scratch) / "source")
            for program, module in MODULES.items():
                (folder / program).write_text(LAUNCHER.format(module=module))
                (folder / program).chmod(0o755)
            shutil.copy(ROOT / "LICENSE", folder)
            write_archive(folder, path)

    return make_once(target, f"making {name}", progress, make)


def libraries(progress: Progress, environment: Mapping[str, str]) -> Path:
    """Return a folder with all that the project imports, made once for the same lock. Raises PluginUnavailableError."""
    system, architecture = this_platform()
    digest = digest_of([LOCK, Path(__file__)])
    target = cache_directory(environment) / f"plugin-libraries-{PYTHON}-{system}-{architecture}-{digest}"

    def make(path: Path) -> None:
        run_pip("--only-binary=:all:", "--require-hashes", f"--requirement={LOCK}", f"--target={path}")
        for part in UNUSED:
            for file in (path / "kubernetes" / part).glob("*.py"):
                if file.name != "__init__.py" or part.endswith("api"):
                    file.unlink()
        shutil.rmtree(path / "bin", ignore_errors=True)

    return make_once(target, "installing the libraries of kubectl rasa", progress, make)


def install_project(target: Path, source: Path) -> None:
    """Install the project beside its libraries, from a copy, since building leaves files in its directory."""
    source.mkdir()
    for path in SOURCES:
        if path.is_dir():
            shutil.copytree(path, source / path.name, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
        else:
            shutil.copy(path, source)
    run_pip("--no-deps", "--no-index", "--no-build-isolation", f"--target={target}", str(source))
    shutil.rmtree(target / "bin", ignore_errors=True)


def run_pip(*arguments: str) -> None:
    """Install quietly, without bytecode. Raises PluginUnavailableError with pip's output."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise PluginUnavailableError(f"pip install failed:\n{ran.stderr.strip()}")


def write_archive(folder: Path, target: Path) -> None:
    """Write the files of the folder reproducibly: the same files give the same bytes."""
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as archive,
    ):
        for path in files_of([folder]):
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.mtime = entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if entry.mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and those in the folders, without those that running them creates; in a fixed order."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            left = any(part == "__pycache__" or part.endswith(".egg-info") for part in file.parts)
            if file.is_file() and not left:
                yield file


def digest_of(files: Iterable[Path]) -> str:
    """Return a digest of the files, their paths and their content."""
    digest = hashlib.sha256(PYTHON.encode())
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def manifest(archives: Iterable[Path], base_url: str) -> JsonObject:
    """Return krew's manifest with a platform for each archive, which is published under its name at `base_url`."""
    filled: JsonObject = yaml.safe_load(MANIFEST.read_text())
    filled["spec"]["version"] = version()
    filled["spec"]["homepage"] = base_url
    filled["spec"]["platforms"] = [_platform(archive, base_url) for archive in sorted(archives)]
    return filled


def _platform(archive: Path, base_url: str) -> JsonObject:
    system, architecture = archive.name.removesuffix(".tar.gz").rsplit("-", 2)[1:]
    return {
        "selector": {"matchLabels": {"os": system, "arch": architecture}},
        "uri": f"{base_url.rstrip('/')}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "bin": PROGRAM,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the archive of this platform, and the manifest for it and all others there; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release.plugin", description=__doc__.partition("\n")[0])
    parser.add_argument("--directory", type=Path, default=Path("dist"), help="where both go (default: dist)")
    parser.add_argument("--base-url", required=True, help="where the archives are published, without their names")
    options = parser.parse_args(arguments)
    if not options.base_url.startswith("https://"):
        parser.error(
            f"--base-url {options.base_url!r} is not https://..., from where krew fetches: make plugin URL=..."
        )
    directory: Path = options.directory
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with ConsoleProgress() as progress:
            shutil.copy(plugin_archive(progress), directory)
    except PluginUnavailableError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    archives = directory.glob(f"{PROGRAM}-{version()}-*.tar.gz")
    (directory / "rasa.yaml").write_text(readable([manifest(archives, options.base_url)]))
    sys.stdout.write(f"{directory / 'rasa.yaml'}: kubectl krew install --manifest={directory / 'rasa.yaml'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
