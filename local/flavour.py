"""The kind of cluster to run."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Literal, cast, get_args

Flavour = Literal["local", "envtest", "kind"]


class UnknownFlavourError(ValueError):
    """CLUSTER does not name a kind of cluster."""


def kind_is_usable() -> bool:
    """Return whether `kind` is on PATH and a Docker daemon answers."""
    if shutil.which("kind") is None or shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def choose_flavour(
    environment: Mapping[str, str] = os.environ, kind_usable: Callable[[], bool] = kind_is_usable
) -> Flavour:
    """Return CLUSTER, if set; else envtest if KUBEBUILDER_ASSETS is set, kind if it can run, and local otherwise."""
    asked = environment.get("CLUSTER", "")
    if asked:
        if asked not in get_args(Flavour):
            raise UnknownFlavourError(
                f"CLUSTER={asked}: choose one of {', '.join(get_args(Flavour))}, or leave it unset"
            )
        return cast(Flavour, asked)
    if environment.get("KUBEBUILDER_ASSETS"):
        return "envtest"
    return "kind" if kind_usable() else "local"
