"""A tag is taken off the server with its ModelTag (deletionPolicy Delete), and only then."""

from __future__ import annotations

from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_server import InventoryEntry
from rasa_environments.cluster.errors import ApiError
from rasa_environments.rasa.listing import Model
from rasa_environments.reconcile.connections import Connections
from rasa_environments.reconcile.model_server import ModelServerReconciler
from rasa_environments.reconcile.queue import Kind, Request
from rasa_environments.reconcile.surroundings import Surroundings
from tests.reconcile.objects import server

SERVER = ObjectKey("bots", "default")
ENTRY = InventoryEntry(tag="live", namespace="tags", name="live")
HERE: dict[str, Any] = {"metadata": {}}
GOING: dict[str, Any] = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
GONE = ApiError(404, "NotFound", "")


async def reconciled(*, model_tag_exists: bool, namespace: object) -> tuple[bool, bool]:
    """Whether the tag is taken off the server, and whether the ModelServer still remembers it."""
    client = Mock(
        models=AsyncMock(return_value=(Model("model-1", "hash", frozenset({"live"})),)),
        version=AsyncMock(return_value="1"),
        check_write=AsyncMock(),
        delete_tag=AsyncMock(),
    )
    connections = Mock(spec=Connections, connect=AsyncMock(return_value=client), can_write=Mock(return_value=True))
    api = Mock(
        get=AsyncMock(side_effect=[namespace]),
        patch_status=AsyncMock(return_value={"metadata": {"resourceVersion": "2"}}),
    )
    surroundings = Surroundings(
        client=api,
        children=Mock(),
        secrets=Mock(),
        pods=Mock(),
        http=Mock(),
        exists=lambda request: model_tag_exists and request == Request(Kind.MODEL_TAG, ObjectKey("tags", "live")),
    )
    known = server()
    status = known.status.model_copy(update={"inventory": [ENTRY]})
    surroundings.directory.servers.put(known.model_copy(update={"status": status}))
    await ModelServerReconciler(surroundings, connections).reconcile(SERVER)
    now = surroundings.directory.servers.get(SERVER)
    assert now is not None
    return client.delete_tag.await_count == 1, bool(now.status.inventory)


async def test_with_its_model_tag_the_tag_goes() -> None:
    assert await reconciled(model_tag_exists=False, namespace=HERE) == (True, False)


async def test_while_its_model_tag_is_there_and_cannot_be_used_the_tag_stays_and_is_remembered() -> None:
    assert await reconciled(model_tag_exists=True, namespace=HERE) == (False, True)


@pytest.mark.parametrize("namespace", [GOING, GONE], ids=["going", "gone"])
async def test_with_the_whole_namespace_the_tag_stays_and_is_forgotten(namespace: object) -> None:
    assert await reconciled(model_tag_exists=False, namespace=namespace) == (False, False)
