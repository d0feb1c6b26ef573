"""Helm 3 and Helm 4 for tests and commands of this project, and the chart that they install."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from local.binaries import HELM_3, HELM_4, find_or_build_program
from local.progress import Progress

CHART = Path(__file__).parent.parent / "helm" / "rasa-environments"
"""The chart of this project."""

Version = Literal[3, 4]
VERSIONS: tuple[Version, ...] = (3, 4)
PROGRAMS = {3: HELM_3, 4: HELM_4}


def helm(version: Version, progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the `helm` of that generation, built once from its pinned Go module. Raises BinariesUnavailableError."""
    return find_or_build_program(PROGRAMS[version], progress, environment)
