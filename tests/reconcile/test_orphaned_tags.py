"""A tag is removed from the server with its ModelTag (deletionPolicy Delete), and only then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.model_server import PendingTagDeletion
from rasa_environments.cluster.resources import MODEL_TAGS, Resource
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.rasa.errors import UnauthorizedError
from rasa_environments.reconcile.clients import Clients
from rasa_environments.reconcile.dependencies import Dependencies
from rasa_environments.reconcile.orphaned_tags import OrphanedTags, Orphans
from tests.reconcile.objects import server, server_error

MODEL_TAG = Request(Kind.MODEL_TAG, ObjectKey("tags", "live"))
A, B = TaggedModel("model-a", "1"), TaggedModel("model-b", "2")
HERE: JsonObject = {"metadata": {}}
GOING: JsonObject = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
LIVE = frozenset({"live"})


@dataclass
class Checks:
    """The checks of a ModelServer that remembers the tag `live` of a deleted ModelTag."""

    namespace: JsonObject | None = field(default_factory=lambda: HERE)
    model_tag_exists: bool = False
    under_way: bool = False
    refusal: Exception | None = None
    deleted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        client = Mock(delete_tag=AsyncMock(side_effect=self._delete))
        dependencies = Dependencies(
            client=Mock(find=AsyncMock(side_effect=self._find)),
            children=Mock(),
            secrets=Mock(),
            pods=Mock(),
            http=Mock(),
            queue=Mock(is_running=lambda request: self.under_way and request == MODEL_TAG, outside=_outside),
        )
        self._orphans = OrphanedTags(dependencies, Mock(spec=Clients, connect=AsyncMock(return_value=client)))

    def _delete(self, model: str, tag: str) -> None:
        self.deleted.append(f"{tag} of {model}")
        if self.refusal is not None:
            raise self.refusal

    def _find(self, resource: Resource, key: ObjectKey, **_: object) -> JsonObject | None:
        if resource is not MODEL_TAGS:
            return self.namespace
        assert key == MODEL_TAG.key
        return HERE if self.model_tag_exists else None

    async def check(self, carrier: TaggedModel | None) -> Orphans:
        """Return the result of a check whose listing shows the tag there."""
        known = server()
        entry = PendingTagDeletion(tag="live", namespace="tags", name="live")
        remembered = known.model_copy(
            update={"status": known.status.model_copy(update={"pending_tag_deletions": [entry]})},
        )
        tags = {} if carrier is None else {"live": carrier}
        return await self._orphans.delete(remembered, ServerObservation(tags=tags, known=True))


def _outside(_: Request) -> Any:
    context = Mock()
    context.__aenter__, context.__aexit__ = AsyncMock(), AsyncMock(return_value=False)
    return context


async def test_with_its_model_tag_the_tag_is_deleted_and_forgotten_once_the_next_listing_lacks_it() -> None:
    checks = Checks()

    assert await checks.check(A) == Orphans(recheck=True)
    assert await checks.check(None) == Orphans(LIVE)
    assert checks.deleted == ["live of model-a"]


async def test_a_tag_that_was_moved_while_its_model_tag_was_deleted_is_deleted_where_it_is_now() -> None:
    checks = Checks()

    await checks.check(A)
    assert await checks.check(B) == Orphans()
    assert await checks.check(None) == Orphans(LIVE)

    assert checks.deleted == ["live of model-a", "live of model-b"]


async def test_a_tag_is_remembered_as_long_as_a_reconciliation_may_still_put_it() -> None:
    checks = Checks(under_way=True)

    assert await checks.check(None) == Orphans(recheck=True)
    checks.under_way = False
    assert await checks.check(None) == Orphans(recheck=True)
    assert await checks.check(None) == Orphans(LIVE)


async def test_a_server_that_only_claims_to_delete_is_asked_at_the_usual_interval() -> None:
    checks = Checks()

    assert [(await checks.check(A)).recheck for _ in range(3)] == [True, False, False]


async def test_a_refused_deletion_is_tried_again_at_the_usual_interval() -> None:
    assert await Checks(refusal=server_error(UnauthorizedError, "no")).check(A) == Orphans()


async def test_while_its_model_tag_is_there_and_only_not_known_the_tag_stays_and_is_remembered() -> None:
    checks = Checks(model_tag_exists=True)

    assert await checks.check(A) == Orphans()
    assert checks.deleted == []


@pytest.mark.parametrize("namespace", [GOING, None], ids=["going", "gone"])
async def test_with_the_whole_namespace_the_tag_stays_and_is_forgotten(namespace: JsonObject | None) -> None:
    checks = Checks(namespace=namespace)

    assert await checks.check(A) == Orphans(LIVE)
    assert checks.deleted == []
