"""A tag is removed from the server with its ModelTag (deletionPolicy Delete), and only then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.model_server import PendingTagDeletion
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.rasa.errors import RasaError, UnauthorizedError
from rasa_environments.reconcile.orphaned_tags import OrphanedTags, Orphans
from tests.reconcile.clock import settled
from tests.reconcile.fakes import FakeApiServer, FakeConnections, FakeModelServer
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
    refusal: RasaError | None = None
    deleted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state, self.api = State(), FakeApiServer()
        if self.namespace is not None:
            self.api.objects["Namespace", ObjectKey("", "tags")] = self.namespace
        if self.model_tag_exists:
            self.api.objects["ModelTag", MODEL_TAG.key] = HERE
        self._orphans = OrphanedTags(self.state, FakeConnections(Keeping(self)), self.api)

    async def check(self, carrier: TaggedModel | None) -> Orphans:
        """Return the result of a check whose listing shows the tag there."""
        known = server()
        entry = PendingTagDeletion(tag="live", namespace="tags", name="live")
        remembered = known.model_copy(
            update={"status": known.status.model_copy(update={"pending_tag_deletions": [entry]})},
        )
        tags = {} if carrier is None else {"live": carrier}
        return await self._orphans.delete(remembered, ServerObservation(tags=tags, known=True))


class Keeping(FakeModelServer):
    """A model server that says what was deleted, and refuses that if the test wants it."""

    def __init__(self, checks: Checks) -> None:
        super().__init__()
        self._checks = checks

    async def delete_tag(self, model: str, tag: str) -> None:
        """Refuse, or do nothing."""
        self._checks.deleted.append(f"{tag} of {model}")
        if self._checks.refusal is not None:
            raise self._checks.refusal


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
    checks = Checks()
    may_end = asyncio.Event()

    async def put(_: Request) -> Result:
        await may_end.wait()
        return DONE

    working = asyncio.create_task(checks.state.queue.run(put))
    checks.state.queue.add(MODEL_TAG)
    await settled()

    assert await checks.check(None) == Orphans(recheck=True)
    may_end.set()
    await settled()
    assert await checks.check(None) == Orphans(recheck=True)
    assert await checks.check(None) == Orphans(LIVE)
    working.cancel()


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
