"""A root file system of Debian as a tar file, in place of the image debian:<release>-slim."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.cache import make_once
from local.images.archive import EPOCH
from local.images.errors import ImageUnavailableError
from local.images.fetching import apt_options
from local.images.tools import Tools, images_directory, short_digest, system_name
from local.progress import Progress, ticking

LEFT_OUT = ("man", "doc", "doc-base", "groff", "info", "linda", "lintian", "locale")
"""Folders of /usr/share that Debian's slim images omit (debuerreotype, slimify-excludes)."""

SETTINGS = "/etc/apt/apt.conf.d/99mmdebstrap"


def debian_root(
    tools: Tools, packages: Sequence[str], progress: Progress, environment: Mapping[str, str] = os.environ
) -> Path:
    """Return the tar file of this machine's release of Debian with these packages, made once (20 seconds).

    Raises ImageUnavailableError.
    """
    release = codename()
    recipe = short_digest(release, *packages, Path(__file__).read_bytes())

    def make(target: Path) -> None:
        settings = target.parent / "apt.conf"
        settings.write_text(apt_options())
        command = bootstrap_command(release, packages, target, settings, machine_sources(release))
        with ticking(progress, f"making a root file system of Debian {release}", "made a root file system of Debian"):
            tools.run(command, {**environment, "SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"})

    target = images_directory(environment) / f"root-{system_name()}-{recipe}.tar"
    return make_once(target, "making a root file system of Debian", progress, make)


def bootstrap_command(
    release: str, packages: Sequence[str], target: Path, settings: Path, sources: Sequence[str]
) -> list[str]:
    """Return the mmdebstrap command, which keeps this machine's settings for apt out of the result."""
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in LEFT_OUT]
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        *([f"--include={','.join(packages)}"] if packages else []),
        *left_out,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--aptopt={settings}",
        f'--customize-hook=rm -f "$1{SETTINGS}"',
        "--quiet",
        release,
        str(target),
        *sources,
    ]


def machine_sources(release: str) -> list[str]:
    """Return this machine's apt sources for this release of Debian, as lines; empty for the default."""
    form = "$(SITE) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return [f"deb {line}" for line in dict.fromkeys(result.stdout.splitlines()) if is_of_release(line, release)]


def is_of_release(line: str, release: str) -> bool:
    """Return whether a site, a suite and a component belong to the release, its updates or its security updates.

    >>> is_of_release("http://deb.debian.org/debian bookworm-updates main", "bookworm")
    True
    >>> is_of_release("https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main", "bookworm")
    False
    """
    _, suite, component = line.rsplit(" ", 2)
    return suite in {release, f"{release}-updates", f"{release}-security"} and component == "main"


def codename() -> str:
    """Return the code name of this machine's release of Debian, for example bookworm. Raises ImageUnavailableError."""
    system = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    if system.get("ID") != "debian":
        raise ImageUnavailableError("images are built here on Debian, or by Docker: start Docker")
    return system["VERSION_CODENAME"]
