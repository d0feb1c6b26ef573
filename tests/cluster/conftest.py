"""The real API server, with a namespace for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, SECRETS, Resource
from tests.cluster.line import Line, RecordingConnection, kubeconfig_with
from tests.cluster.objects import config_map, deployment, owned

if TYPE_CHECKING:
    from local.cluster import ClusterFacts


class _Namespaces(Resource):
    """Namespaces are in no namespace."""

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        return super().path(None, name, subresource)


@pytest.fixture
async def connection(cluster: ClusterFacts) -> AsyncIterator[RecordingConnection]:
    """The operator's connection, with a record of its requests."""
    connection = RecordingConnection(CredentialSource(str(cluster.kubeconfig)), "tests")
    await connection.open()
    yield connection
    await connection.close()


@pytest.fixture
def client(connection: RecordingConnection) -> Client:
    """The operator's client."""
    return Client(connection)


@pytest.fixture
async def someone(cluster: ClusterFacts) -> AsyncIterator[Client]:
    """Somebody else's client: another field manager."""
    async with await Client.connect(str(cluster.kubeconfig), user_agent="someone", field_manager="someone") as client:
        yield client


@pytest.fixture
async def namespace(someone: Client) -> str:
    """A new namespace."""
    return await make_namespace(someone)


@pytest.fixture
async def owner(someone: Client, namespace: str) -> JsonObject:
    """Create an object that may own others."""
    return await someone.create(CONFIG_MAPS, config_map("owner", namespace=namespace))


@pytest.fixture
async def line(cluster: ClusterFacts) -> AsyncIterator[Line]:
    """Open a connection to the API server that can be interrupted."""
    async with Line(cluster.server) as line:
        yield line


@pytest.fixture
async def distant(cluster: ClusterFacts, line: Line, tmp_path: Path) -> AsyncIterator[Client]:
    """Return a client that uses this connection."""
    path = kubeconfig_with(cluster.kubeconfig, tmp_path / "distant", server=line.address)
    async with await Client.connect(path) as client:
        yield client


async def make_namespace(client: Client) -> str:
    """The name of a namespace that was created."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    namespaces = _Namespaces("", "v1", "namespaces", "Namespace")
    await client.create(
        namespaces, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "namespace": ""}}
    )
    return name


RESOURCES = (CONFIG_MAPS, DEPLOYMENTS, SECRETS)


@pytest.fixture
def caches() -> dict[Resource, ObjectCache]:
    """Empty, and filled with what the operator writes and `refresh`."""
    return {resource: ObjectCache(by_content=True) for resource in RESOURCES}


@pytest.fixture
def children(client: Client, caches: dict[Resource, ObjectCache]) -> Children:
    """Under test."""
    return Children(client, caches)


@pytest.fixture
def settings(namespace: str, owner: JsonObject) -> JsonObject:
    """Return a ConfigMap as desired."""
    return owned(config_map("child", {"a": "1", "b": "2"}, namespace=namespace), owner)


@pytest.fixture
def workload(namespace: str, owner: JsonObject) -> JsonObject:
    """Return a Deployment as desired."""
    return owned(deployment("child", namespace), owner)


@pytest.fixture
def refresh(someone: Client, caches: dict[Resource, ObjectCache], namespace: str) -> Callable[[], Awaitable[None]]:
    """List everything, as a reflector does."""

    async def listed() -> None:
        for resource, cache in caches.items():
            cache.replace(await someone.list(resource, namespace))

    return listed
