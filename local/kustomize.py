"""What kustomize makes of a folder, as `kubectl apply -k` sends it."""

import subprocess
from pathlib import Path
from typing import Any

import yaml


class KustomizationRefused(RuntimeError):
    """kustomize does not take a folder; the message has its words."""


def kustomized(folder: Path, kubectl: Path) -> list[dict[str, Any]]:
    """The objects of the folder's kustomization in the order in which they are applied. Raises KustomizationRefused."""
    made = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise KustomizationRefused(f"kubectl kustomize {folder}: {made.stderr.strip()}")
    return list(yaml.load_all(made.stdout, Loader=yaml.CSafeLoader))  # ten times as fast as the one in Python
