"""environments.yml, for the servers that read one."""

from __future__ import annotations

from pathlib import Path

import yaml


def environments_file(directory: Path, **environments: tuple[str, str]) -> Path:
    """Write environments.yml with these names, each with its url and token."""
    file = directory / "environments.yml"
    entries = {name: {"url": url, "token": token} for name, (url, token) in environments.items()}
    file.write_text(yaml.safe_dump({"rasa": entries}))
    return file
