"""If the server names no models, the file of a tag is read once, and again only if that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.rasa.errors import RasaError, UnexpectedAnswerError, UnreachableError, UnreadableModelError
from rasa_environments.rasa.model_archive import ModelIdentity
from rasa_environments.reconcile.model_identities import (
    AT_A_TIME,
    KEPT,
    KEPT_SECONDS,
    LONGEST_RETRY_SECONDS,
    RETRY_SECONDS,
    ModelIdentities,
)
from tests.reconcile.clock import run
from tests.reconcile.objects import server_error

SERVER = ObjectKey("bots", "default")
TOO_LARGE = server_error(UnreadableModelError, "sends a file that is too large")
FILE = TaggedModel("5f3c-6123", "5f3c-6123")


@dataclass
class Reading:
    """Reads the files of a server's tags."""

    identities: ModelIdentities = field(default_factory=ModelIdentities)
    identity: AsyncMock = field(default_factory=lambda: AsyncMock(return_value=ModelIdentity("a1")))
    told: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    async def read(self, **tags: TaggedModel) -> None:
        """One check of the ModelServer."""
        connection = Mock(pulls=Mock(identity=self.identity))
        until = asyncio.get_running_loop().time() + 30
        await self.identities.read(SERVER, connection, tags.items(), self.tell, until=until)

    def tell(self, tag: str, model: TaggedModel) -> None:
        """Return what is reported about a tag."""
        self.told.append((tag, model.model_id, model.unidentified))

    @property
    def downloads(self) -> int:
        """How often a file was requested."""
        return int(self.identity.await_count)


def reading(test: Callable[[Reading], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a clock that advances by itself."""

    async def body() -> None:
        await test(Reading())

    run(body())


def test_a_file_is_read_once_and_what_it_says_is_laid_on_the_model() -> None:
    async def test(files: Reading) -> None:
        assert files.identities.identified(SERVER, "live", FILE).model_id is None
        for _ in range(3):
            await files.read(live=FILE)
            await asyncio.sleep(LONGEST_RETRY_SECONDS)

        assert files.downloads == 1
        assert files.told == [("live", "a1", None)]
        assert files.identities.identified(SERVER, "live", FILE).model_id == "a1"

    reading(test)


def test_a_model_with_a_name_is_not_read() -> None:
    async def test(files: Reading) -> None:
        await files.read(live=TaggedModel("20260101-120000", "5f3c-6123"))

        assert (files.downloads, files.told) == (0, [])

    reading(test)


def test_another_file_of_the_tag_is_read() -> None:
    async def test(files: Reading) -> None:
        await files.read(live=FILE)
        await files.read(live=TaggedModel("other", "other"))

        assert files.downloads == 2

    reading(test)


def test_files_that_take_turns_under_a_tag_are_each_read_once() -> None:
    async def test(files: Reading) -> None:
        for _ in range(3):
            for number in range(KEPT):
                await files.read(live=TaggedModel(f"etag-{number}", f"etag-{number}"))

        assert files.downloads == KEPT

    reading(test)


def test_a_file_that_tells_nothing_is_not_read_again() -> None:
    async def test(files: Reading) -> None:
        files.identity.side_effect = TOO_LARGE
        for _ in range(3):
            await files.read(live=FILE)
            await asyncio.sleep(LONGEST_RETRY_SECONDS)

        assert files.downloads == 1
        assert files.told == [("live", None, message_of(TOO_LARGE))]

    reading(test)


@pytest.mark.parametrize(
    "error", [server_error(UnreachableError, "it is away"), server_error(UnexpectedAnswerError, "it is odd")]
)
def test_a_file_that_could_not_be_had_is_tried_again_with_backoff(error: RasaError) -> None:
    async def test(files: Reading) -> None:
        files.identity.side_effect = error
        elapsed = 0.0
        while elapsed < 4 * RETRY_SECONDS:
            await files.read(live=FILE)
            await asyncio.sleep(10)
            elapsed += 10
        assert files.downloads == 3
        assert files.told[0] == ("live", None, message_of(error))

        files.identity.side_effect = None
        await asyncio.sleep(LONGEST_RETRY_SECONDS)
        await files.read(live=FILE)

        assert files.told[-1] == ("live", "a1", None)

    reading(test)


def test_a_tag_that_is_another_file_at_every_look_is_not_downloaded_each_time() -> None:
    async def test(files: Reading) -> None:
        for number in range(30):
            await files.read(live=TaggedModel(f"etag-{number}", f"etag-{number}"))
            await asyncio.sleep(3 * KEPT_SECONDS / 30)

        assert files.downloads == 3 * KEPT

    reading(test)


def test_a_slow_file_does_not_keep_the_tags_from_being_looked_at() -> None:
    async def test(files: Reading) -> None:
        async def slow(*_: object) -> ModelIdentity:
            await asyncio.sleep(100)
            return ModelIdentity("a1")

        files.identity.side_effect = slow
        await files.read(live=FILE, staging=FILE)
        assert files.told == [("live", None, "its file was not downloaded in time")]

        await files.read(live=FILE, staging=FILE)
        assert files.told[1:] == [("staging", None, "its file was not downloaded in time")]

    reading(test)


def test_few_files_are_read_at_a_time_whatever_the_number_of_servers() -> None:
    async def test(files: Reading) -> None:
        async def slow(*_: object) -> ModelIdentity:
            await asyncio.sleep(10)
            return ModelIdentity("a1")

        files.identity.side_effect = slow
        await asyncio.gather(*(files.read(**{f"tag-{number}": FILE}) for number in range(10)))

        assert files.downloads == AT_A_TIME

    reading(test)


def test_of_a_server_that_is_gone_nothing_is_kept() -> None:
    async def test(files: Reading) -> None:
        await files.read(live=FILE)
        files.identities.forget(SERVER)
        await files.read(live=FILE)

        assert files.downloads == 2

    reading(test)
