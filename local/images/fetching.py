"""How this machine fetches packages (proxies, mirrors, certificates), for a build that must not keep any of it."""

import ast
import configparser
import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CERTIFICATES = "/run/secrets/certificates"
"""Where the build sees the file of certificates that this machine trusts."""

FETCHING = frozenset({"default-timeout", "extra-index-url", "index-url", "proxy", "retries", "timeout", "trusted-host"})
"""The options of pip that say how it fetches. Others speak of this machine's files, or of what it prefers."""


@dataclass(frozen=True)
class Fetching:
    """The settings of apt and of pip for a build, and the certificates that both trust, if they are told any."""

    apt: str
    pip: str
    certificates: Path | None

    def secrets(self, directory: Path) -> dict[str, Path]:
        """Writes them as files; returns these by the names that the Dockerfile mounts them by."""
        files = {"apt": directory / "apt.conf", "pip": directory / "pip.conf"}
        files["apt"].write_text(self.apt)
        files["pip"].write_text(self.pip)
        return files if self.certificates is None else {**files, "certificates": self.certificates}


def machine_fetching(environment: Mapping[str, str] = os.environ) -> Fetching:
    """What apt and pip say that they are set to, by files and by variables."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, env=environment, check=False
    ).stdout
    options = pip_options(listing)
    told = options.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("SSL_CERT_FILE")
    certificates = Path(told) if told and Path(told).is_file() else None
    return Fetching(seen_by_build(apt_options()), pip_settings(options, certificates is not None), certificates)


def apt_options() -> str:
    """The lines of apt's configuration that decide how it fetches; empty without apt."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
    wanted = re.compile(r"^Acquire::(?:https?|ftp|Retries|Check-Valid-Until|Check-Date)\b.*$", re.MULTILINE)
    return "".join(f"{line}\n" for line in wanted.findall(dump))


def seen_by_build(options: str) -> str:
    """The options with the file of certificates where the build sees it."""
    return re.sub(r'^(Acquire::https::(?:\S+::)?CaInfo) ".+";$', rf'\1 "{CERTIFICATES}";', options, flags=re.MULTILINE)


def pip_options(listing: str) -> dict[str, str]:
    """The options that `pip config list` prints, where those of variables (`:env:`) win over those of files."""
    found = re.findall(r"^(global|install|:env:)\.(\S+?)=('.*'|\".*\")$", listing, re.MULTILINE)
    ranked = sorted(found, key=lambda entry: ("global", "install", ":env:").index(entry[0]))
    return {name: str(ast.literal_eval(value)) for _, name, value in ranked}


def pip_settings(options: Mapping[str, str], certified: bool) -> str:
    """A pip.conf for the build; `certified` says that it sees a file of certificates."""
    parser = configparser.RawConfigParser()
    kept = {name: value for name, value in options.items() if name in FETCHING}
    parser["global"] = {**kept, **({"cert": CERTIFICATES} if certified else {})}
    written = io.StringIO()
    parser.write(written)
    return written.getvalue()
