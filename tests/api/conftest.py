"""The real API server with the CRDs of this repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import yaml

from rasa_environments.api.crd import files
from tests.api.api_server import NAMESPACE, PLURALS, ApiServer, collection, wait_until

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="session")
def api(cluster: ClusterFacts) -> Iterator[ApiServer]:
    """Return the API server with the CRDs of this checkout, and a namespace for these tests."""
    with closing(ApiServer(cluster.kubeconfig)) as server:
        server.apply(f"/api/v1/namespaces/{NAMESPACE}", namespace(NAMESPACE))
        for text in files().values():
            install(server, text)
        paths = [collection(kind) for kind in PLURALS]
        wait_until(lambda: all(server.request("GET", path).accepted for path in paths), "our kinds to be served")
        yield server


def install(server: ApiServer, text: str) -> None:
    """Apply a CRD and wait until the API server enforces it."""
    definition = yaml.safe_load(text)
    path = f"{DEFINITIONS}/{definition['metadata']['name']}"
    answer = server.apply(path, definition)
    assert answer.accepted, answer.body["message"]

    def established() -> bool:
        conditions = server.request("GET", path).body.get("status", {}).get("conditions")
        return any(item["type"] == "Established" and item["status"] == "True" for item in conditions or [])

    wait_until(established, f"{definition['metadata']['name']} to be established")


def namespace(name: str) -> dict[str, object]:
    """Create a namespace that admits only pods of the Pod Security level `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
