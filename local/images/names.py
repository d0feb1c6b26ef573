"""The names of the images, and their full names in container runtimes."""

import platform
import tomllib
from pathlib import Path

from local.rasa import RASA_VERSION

PROJECT = Path(__file__).parents[2]

VERSION: str = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]


def rasa_image_name(version: str) -> str:
    """Return the name of Rasa's own image with all pipeline dependencies, the default of an environment."""
    return f"rasa/rasa:{version}-full"


OPERATOR_IMAGE = f"rasa-environments:{VERSION}"
RASA_IMAGE = rasa_image_name(RASA_VERSION)
PAUSE_IMAGE = "localhost/pause:1"
REDIS_IMAGE = "redis:7"
POSTGRESQL_IMAGE = "postgres:15"


def full_name(name: str) -> str:
    """Return the name with the registry and path that Docker and containerd add to a short name.

    >>> full_name("rasa/rasa:3.6.21-full")
    'docker.io/rasa/rasa:3.6.21-full'
    """
    registry, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if registry == "localhost" or "." in registry or ":" in registry else f"docker.io/{name}"


def architecture(machine: str = platform.machine()) -> str:
    """Return Go's name for this machine, also used in an image's configuration: amd64, arm64."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
