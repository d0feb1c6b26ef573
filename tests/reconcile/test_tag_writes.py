"""A tag that was set but is missing is set again with backoff, and is not reported as set."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.rasa.errors import RasaError, UnreachableError
from rasa_environments.rasa.pulls import TagAnswer
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.status import Statuses
from rasa_environments.reconcile.tag_writes import BACKOFF
from tests.reconcile.clock import run
from tests.reconcile.fakes import FakeApiServer, FakeConnections, unasked_releases, verification_stages
from tests.reconcile.objects import server, server_error, tag

OLD, NEW = TaggedModel("old", "0" * 32), TaggedModel("new", "1" * 32)
LISTED = ServerObservation(models={"old": OLD, "new": NEW}, tags={"live": OLD}, known=True)
KEY = ObjectKey("bots", "live")


class Tagging:
    """A ModelTag for the model `new`, on a server whose tag stays on `old` whatever is written."""

    def __init__(self, observation: ServerObservation = LISTED, refusal: RasaError | None = None) -> None:
        self.client = Mock(
            put_tag=AsyncMock(side_effect=refusal), tag=AsyncMock(return_value=TagAnswer(OLD.hash, OLD.name))
        )
        self.state = State()
        self.state.lister.servers.put(server())
        self.state.lister.tags.put(tag("live", model="new"))
        self.observe(observation)
        statuses = Statuses(FakeApiServer(), self.state.lister)
        self.reconciler = ModelTagReconciler(
            self.state,
            FakeConnections(self.client),
            statuses,
            unasked_releases(self.state),
            verification_stages(self.state),
        )

    def observe(self, observation: ServerObservation) -> None:
        """The server was listed."""
        self.state.observations.listing_begins(ObjectKey("bots", "default"))
        self.state.observations.listed(ObjectKey("bots", "default"), observation)

    async def reconcile_for(self, seconds: float, every: float = 1.0) -> None:
        """Reconcile as often as listings of the server may request it."""
        for _ in range(int(seconds / every)):
            await self.reconciler.reconcile(KEY)
            await asyncio.sleep(every)

    @property
    def puts(self) -> int:
        """How often the tag was set."""
        return int(self.client.put_tag.await_count)

    @property
    def reason(self) -> str:
        """Why it is not tagged."""
        found = self.state.lister.tags.get(KEY)
        assert found is not None
        return next(entry.reason for entry in found.status.conditions or () if entry.type == "Tagged")


@pytest.mark.parametrize("refusal", [None, server_error(UnreachableError, "away")], ids=["does nothing", "fails"])
def test_the_tag_is_put_with_backoff_however_often_it_is_reconciled(refusal: RasaError | None) -> None:
    async def test() -> int:
        tagging = Tagging(refusal=refusal)
        await tagging.reconcile_for(300)
        return tagging.puts

    doublings = 4
    assert doublings <= run(test()) <= doublings + 300 / BACKOFF.longest


def test_only_what_was_seen_is_logged_and_said(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> str:
        tagging = Tagging()
        await tagging.reconcile_for(3)
        return tagging.reason

    with caplog.at_level(logging.INFO):
        assert run(test()) == "HashMismatch"
    assert "is on model" not in caplog.text


def test_a_model_that_another_name_answers_for_is_not_taken_for_it() -> None:
    async def test() -> str:
        tagging = Tagging(ServerObservation(tags={"live": OLD}, known=True, lists=False))
        await tagging.reconcile_for(1)
        return tagging.reason

    assert run(test()) == "HashMismatch"


def test_another_model_is_put_at_once() -> None:
    async def test() -> int:
        tagging = Tagging()
        await tagging.reconcile_for(5)
        before = tagging.puts
        changed = TaggedModel("new", "2" * 32)
        tagging.observe(ServerObservation(models={"old": OLD, "new": changed}, tags={"live": OLD}, known=True))
        await tagging.reconciler.reconcile(KEY)
        return tagging.puts - before

    assert run(test()) == 1


def test_a_listing_that_does_not_show_a_tag_that_can_be_pulled_causes_no_write() -> None:
    async def test() -> int:
        tagging = Tagging()
        tagging.client.tag.return_value = TagAnswer(NEW.hash, NEW.name)
        for listing in (LISTED, ServerObservation(known=True), ServerObservation(known=True)):
            tagging.observe(listing)
            await tagging.reconciler.reconcile(KEY)
        return tagging.puts

    assert run(test()) == 1


def test_a_tag_that_was_put_and_could_not_be_pulled_is_pulled_before_it_is_put_again() -> None:
    async def test() -> tuple[int, str]:
        tagging = Tagging()
        tagging.client.tag.side_effect = [
            server_error(UnreachableError, "away"),
            server_error(UnreachableError, "away"),
            TagAnswer(NEW.hash, NEW.name),
        ]
        await tagging.reconcile_for(8)
        return tagging.puts, tagging.reason

    assert run(test()) == (1, "Tagged")


def test_a_tag_that_somebody_moved_is_put_back_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> int:
        tagging = Tagging()
        tagging.client.tag.return_value = TagAnswer(NEW.hash, NEW.name)
        await tagging.reconciler.reconcile(KEY)
        tagging.client.tag.side_effect = [TagAnswer(OLD.hash, OLD.name), TagAnswer(NEW.hash, NEW.name)]
        tagging.observe(LISTED)
        await tagging.reconciler.reconcile(KEY)
        return tagging.puts

    with caplog.at_level(logging.INFO):
        assert run(test()) == 2
    assert caplog.text.count("tag live is on model new, taken from old") == 2


def test_a_write_whose_answer_was_lost_is_not_waited_for_once_the_tag_is_seen() -> None:
    async def test() -> tuple[float | None, str]:
        tagging = Tagging(refusal=server_error(UnreachableError, "lost"))
        await tagging.reconciler.reconcile(KEY)
        tagging.client.tag.return_value = TagAnswer(NEW.hash, NEW.name)
        tagging.observe(ServerObservation(models={"old": OLD, "new": NEW}, tags={"live": NEW}, known=True))
        return (await tagging.reconciler.reconcile(KEY)).requeue_after, tagging.reason

    assert run(test()) == (None, "Tagged")


def test_a_write_that_is_due_while_the_server_is_away_is_not_waited_for() -> None:
    async def test() -> float | None:
        tagging = Tagging()
        await tagging.reconciler.reconcile(KEY)
        away = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)
        tagging.observe(replace(LISTED, problem=away))
        await asyncio.sleep(BACKOFF.longest)
        return (await tagging.reconciler.reconcile(KEY)).requeue_after

    assert run(test()) is None


def test_a_postponed_write_names_its_reason_and_when_it_is_due() -> None:
    async def test() -> tuple[Problem | None, float | None]:
        tagging = Tagging()
        await tagging.reconciler.reconcile(KEY)
        result = await tagging.reconciler.reconcile(KEY)
        return tagging.reconciler._tagging._writes._failed[KEY].problem, result.requeue_after

    problem, again = run(test())
    assert problem is not None
    assert again == BACKOFF.first
