"""kubectl's view of the same kubeconfig."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from local.cluster import ClusterFacts


def kubectl(cluster: ClusterFacts, *arguments: str) -> Any:
    """The answer of kubectl as JSON."""
    if cluster.kubectl is None:
        pytest.skip("this flavour of the cluster comes without kubectl")
    command = [str(cluster.kubectl), *arguments, "--output", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
