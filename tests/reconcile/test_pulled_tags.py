"""A server without a listing is asked tag by tag; a problem with one tag does not affect the others."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.rasa.errors import RasaError, UnauthorizedError, UnexpectedAnswerError, UnreachableError
from rasa_environments.rasa.pulls import TagAnswer
from rasa_environments.reconcile.model_server import pulled
from tests.reconcile.objects import server_error

HIDDEN = server_error(UnauthorizedError, "it may not be read, or is not there")


def asked(**tags: TagAnswer | RasaError | None) -> Mock:
    """A client of a server that answers each tag so."""

    async def answer(tag: str) -> TagAnswer | None:
        found = tags[tag]
        if isinstance(found, RasaError):
            raise found
        return found

    return Mock(tag=AsyncMock(side_effect=answer))


def test_a_tag_that_cannot_be_pulled_leaves_the_others_alone() -> None:
    connection = asked(live=TagAnswer("1", "m.tar.gz"), hidden=HIDDEN, absent=None)

    tagged, problems = asyncio.run(pulled(connection, ["absent", "hidden", "live"]))

    assert tagged == {"live": TaggedModel("m", "1")}
    assert {tag: (problem.reason, problem.message) for tag, problem in problems.items()} == {
        "hidden": ("Unauthorized", message_of(HIDDEN))
    }


@pytest.mark.parametrize("error", [HIDDEN, server_error(UnexpectedAnswerError, "a login page")])
def test_where_no_tag_can_be_pulled_it_is_the_servers_problem(error: RasaError) -> None:
    with pytest.raises(type(error)):
        asyncio.run(pulled(asked(live=error, staging=error), ["live", "staging"]))


def test_a_server_that_is_away_is_asked_for_no_other_tag() -> None:
    connection = asked(live=server_error(UnreachableError, "away"), staging=None)

    with pytest.raises(UnreachableError):
        asyncio.run(pulled(connection, ["live", "staging"]))
    assert connection.tag.await_count == 1
