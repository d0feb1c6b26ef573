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
"""Path of the file of trusted certificates inside the build."""

FETCHING = frozenset({"default-timeout", "extra-index-url", "index-url", "proxy", "retries", "timeout", "trusted-host"})
"""Options of pip that control how it fetches. Others refer to files or preferences of this machine."""


@dataclass(frozen=True)
class Fetching:
    """Settings of apt and pip for a build, and the certificates that both trust, if configured."""

    apt: str
    pip: str
    certificates: Path | None

    def secrets(self, directory: Path) -> dict[str, Path]:
        """Write them as files; return these by the names under which the Dockerfile mounts them."""
        files = {"apt": directory / "apt.conf", "pip": directory / "pip.conf"}
        files["apt"].write_text(self.apt)
        files["pip"].write_text(self.pip)
        return files if self.certificates is None else {**files, "certificates": self.certificates}


def machine_fetching(environment: Mapping[str, str] = os.environ) -> Fetching:
    """Return the settings of apt and pip from files and variables."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, env=environment, check=False
    ).stdout
    options = pip_options(listing)
    told = options.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("SSL_CERT_FILE")
    certificates = Path(told) if told and Path(told).is_file() else None
    return Fetching(seen_by_build(apt_options()), pip_settings(options, certificates is not None), certificates)


def apt_options() -> str:
    """Return the lines of apt's configuration that control how it fetches; empty without apt."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
    wanted = re.compile(r"^Acquire::(?:https?|ftp|Retries|Check-Valid-Until|Check-Date)\b.*$", re.MULTILINE)
    return "".join(f"{line}\n" for line in wanted.findall(dump))


def seen_by_build(options: str) -> str:
    """Return the options with the path of the certificates inside the build."""
    return re.sub(r'^(Acquire::https::(?:\S+::)?CaInfo) ".+";$', rf'\1 "{CERTIFICATES}";', options, flags=re.MULTILINE)


def pip_options(listing: str) -> dict[str, str]:
    """Return the options that `pip config list` prints; those of variables (`:env:`) take precedence over files."""
    found = re.findall(r"^(global|install|:env:)\.(\S+?)=('.*'|\".*\")$", listing, re.MULTILINE)
    ranked = sorted(found, key=lambda entry: ("global", "install", ":env:").index(entry[0]))
    return {name: str(ast.literal_eval(value)) for _, name, value in ranked}


def pip_settings(options: Mapping[str, str], certified: bool) -> str:
    """Return a pip.conf for the build; `certified` says that it has a file of certificates."""
    parser = configparser.RawConfigParser()
    kept = {name: value for name, value in options.items() if name in FETCHING}
    parser["global"] = {**kept, **({"cert": CERTIFICATES} if certified else {})}
    written = io.StringIO()
    parser.write(written)
    return written.getvalue()
