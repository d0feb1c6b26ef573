"""Debian packages in a private directory: apt fetches them; nothing is installed, and no root is needed."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from local.progress import Progress, ticking


class PackagesUnavailableError(RuntimeError):
    """apt is missing, or did not fetch the packages; the message has its output."""


def unpack_packages(names: Sequence[str], target: Path, progress: Progress) -> None:
    """Unpack the packages into `target`, and those of their dependencies that `wanted_packages` selects.

    apt works on lists and a cache beside `target`, so that its own are neither needed nor changed. Raises
    PackagesUnavailableError.
    """
    missing = [program for program in ("apt-get", "dpkg-deb", "dpkg-query") if shutil.which(program) is None]
    if missing:
        raise PackagesUnavailableError(f"there is no {missing[0]} on PATH")
    scratch = target.parent / "apt"
    environment = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(_write_settings(scratch))}
    with ticking(progress, "fetching the lists of Debian packages", "fetched the lists of Debian packages"):
        _run(["apt-get", "--quiet", "update"], scratch, environment)
    plan = _run(["apt-get", "--simulate", "--no-install-recommends", "install", *names], scratch, environment)
    packages = wanted_packages(planned_packages(plan), names, installed_packages(scratch))
    doing = f"fetching {len(packages)} Debian packages for {', '.join(names)}"
    with ticking(progress, doing, doing.replace("fetching", "fetched")):
        _run(["apt-get", "--quiet", "download", *packages], scratch / "packages", environment)
        for package in sorted((scratch / "packages").glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(target)], scratch, environment)
    shutil.rmtree(scratch)


def apt_settings(effective: str, scratch: Path) -> str:
    """Return a complete apt configuration.

    How this machine fetches (proxies, certificates), with all files in `scratch`. `effective` is the output of
    `apt-config dump`. Its hooks, such as for desktop software, are left out.
    """
    fetching = [
        line
        for line in effective.splitlines()
        if line.startswith("Acquire::") and not line.startswith("Acquire::IndexTargets::")
    ]
    own = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "Dir::State": scratch,
        "Dir::State::lists": scratch / "lists",
        "Dir::State::status": scratch / "status",
        "Dir::Cache": scratch / "cache",
        "Dir::Cache::pkgcache": "",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return "\n".join([*fetching, *(f'{name} "{value}";' for name, value in own.items())]) + "\n"


def planned_packages(simulation: str) -> list[str]:
    """Return the names of the packages that `apt-get --simulate install` would install."""
    return re.findall(r"^Inst (\S+)", simulation, re.MULTILINE)


def wanted_packages(planned: Iterable[str], names: Iterable[str], installed: Collection[str]) -> list[str]:
    """Return those planned packages that belong to the family of one of the names, and libraries not installed yet.

    A family shares its first word, as `erlang-base` and `erlang-mnesia`; RabbitMQ's includes Erlang's. LLVM is
    excluded, which PostgreSQL only loads to compile queries, and so are Perl's libraries.
    """
    families = {"erlang", *(name.partition("-")[0] for name in names)}

    def wanted(package: str) -> bool:
        library = package.startswith("lib") and not package.startswith("libllvm") and not package.endswith("-perl")
        return package.partition("-")[0] in families or (library and package not in installed)

    return [package for package in planned if wanted(package)]


def installed_packages(directory: Path) -> set[str]:
    """Return the names of the packages that this machine has."""
    listing = _run(["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Package}\n"], directory, os.environ)
    return {line[3:] for line in listing.splitlines() if line.startswith("ii ")}


def _write_settings(scratch: Path) -> Path:
    """Create what apt expects: with an empty status, it plans all dependencies of a package."""
    for folder in ("lists/partial", "cache/archives/partial", "packages"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "status").touch()
    settings = scratch / "apt.conf"
    settings.write_text(apt_settings(_run(["apt-config", "dump"], scratch, os.environ), scratch))
    return settings


def _run(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> str:
    result = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-10:])
        raise PackagesUnavailableError(f"`{' '.join(command[:4])}` failed:\n{tail}")
    return result.stdout
