"""The program that asks Argo CD's and Flux's own libraries, and the checks that Flux gets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from local.gitops import find_or_build_gitops
from local.installation import MANIFESTS
from local.progress import silent
from rasa_environments.api.base import JsonObject


@pytest.fixture(scope="session")
def gitops() -> Path:
    """The program."""
    return find_or_build_gitops(silent)


@pytest.fixture(scope="session")
def flux_checks() -> list[JsonObject]:
    """healthCheckExprs of the sample for Flux."""
    common = yaml.safe_load((MANIFESTS / "gitops" / "flux" / "common.yaml").read_text())
    checks: list[JsonObject] = common["spec"]["healthCheckExprs"]
    return checks
