"""A status is written if it differs, and its notifications follow the write."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.model_server import ModelServer, ModelServerStatus
from rasa_environments.cluster.errors import ApiError
from rasa_environments.domain.lister import Lister
from rasa_environments.judge.conditions import condition
from rasa_environments.judge.events import Event, ObjectReference
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.objects import server

AWAY = [condition(ConditionType.READY, "False", Reason.MODEL_SERVER_UNREACHABLE, "no answer")]


class Writing:
    """An API server that gives one answer to a status, and what is told beside it."""

    def __init__(self, answer: ApiError | None = None) -> None:
        stored = {"metadata": {"resourceVersion": "2"}}
        self.client = Mock(patch_status=AsyncMock(side_effect=answer, return_value=stored))
        self.told: list[str] = []

    def record(self, regarding: ObjectReference, events: Sequence[Event]) -> None:
        """Keeps what is told."""
        assert self.client.patch_status.await_count, "nothing is told before it is written"
        self.told += [f"{regarding.kind} {regarding.name}: {event.reason}" for event in events]

    async def write(self, obj: ModelServer) -> ModelServer | None:
        """Write that the server is unreachable."""
        return await Statuses(self.client, Lister(), self.record).write(obj, ModelServerStatus(), AWAY)


async def test_a_transition_is_reported_once_it_is_written() -> None:
    writing = Writing()

    written = await writing.write(server())

    assert writing.told == ["ModelServer default: Unreachable"]
    assert written is not None
    assert await writing.write(written) is None
    assert writing.told == ["ModelServer default: Unreachable"]


async def test_of_an_object_that_is_gone_nothing_is_reported() -> None:
    writing = Writing(ApiError(404, "NotFound", ""))

    assert await writing.write(server()) is None

    assert writing.told == []


async def test_what_was_decided_on_an_older_version_is_not_told() -> None:
    writing = Writing(ApiError(409, "Conflict", ""))

    with pytest.raises(ApiError):
        await writing.write(server())

    assert writing.told == []
