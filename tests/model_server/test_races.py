"""Of two concurrent requests one wins entirely, and every answer is true."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest

from rasa_model_server.settings import Settings
from tests.model_server.archives import model_file
from tests.model_server.conftest import MODELS, READS, running


@pytest.mark.parametrize("storage", ["directory", "memory"])
async def test_of_many_uploads_of_one_name_one_wins_and_it_is_the_one_that_is_served(
    settings: Settings, storage: str
) -> None:
    contents = [model_file(f"content {number}") for number in range(10)]

    async with running(settings if storage == "directory" else replace(settings, storage="memory://")) as server:
        answers = await asyncio.gather(*(server.upload("a", content) for content in contents))
        served = (await server.client.get(f"{MODELS}/a", params=READS)).content
        listed = (await server.listed()).json()

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    winner = contents[[answer.status_code for answer in answers].index(201)]
    assert served == winner
    assert [model["hash"] for model in listed] == [hashlib.sha256(winner).hexdigest()]


async def test_uploads_to_two_replicas_leave_one_model_and_one_file(settings: Settings) -> None:
    async with running(settings) as first, running(settings) as second:
        answers = await asyncio.gather(
            *(replica.upload("a", model_file(f"{number}")) for number in range(5) for replica in (first, second))
        )
        pulled = [await replica.client.get(f"{MODELS}/a", params=READS) for replica in (first, second)]
        files = sorted(path.suffix for path in first.directory.rglob("a.*"))

    # Each content was uploaded to both: the winning one is accepted twice.
    assert sorted(answer.status_code for answer in answers) == [200, 201] + [409] * 8
    assert pulled[0].content == pulled[1].content
    assert files == [".gz", ".json"]


async def test_the_same_upload_many_times_at_once_makes_one_model(settings: Settings) -> None:
    async with running(settings) as server:
        answers = await asyncio.gather(*(server.upload("a") for _ in range(8)))

        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.json()["hash"] for answer in answers}) == 1


async def test_a_model_deleted_while_it_is_uploaded_again_and_again_is_whole_or_not_there(settings: Settings) -> None:
    contents = {f'"{hashlib.sha256(content).hexdigest()}"': content for content in map(model_file, "abcd")}

    async with running(settings) as server:

        async def upload(content: bytes) -> None:
            for _ in range(5):
                await server.upload("a", content)

        async def delete() -> None:
            for _ in range(15):
                await server.delete("a")

        async def pull() -> None:
            for _ in range(20):
                answer = await server.client.get(f"{MODELS}/a", params=READS)
                if answer.status_code != 404:
                    assert answer.content == contents[answer.headers["ETag"]]

        await asyncio.gather(*(upload(content) for content in contents.values()), delete(), delete(), pull())
        await server.delete("a")

        assert [path for path in server.directory.rglob("*") if path.is_file()] == []


async def test_a_tag_put_while_it_is_deleted_from_another_model_stays(settings: Settings) -> None:
    async with running(replace(settings, storage="memory://")) as server:
        await server.upload("a")
        await server.upload("b")
        for _ in range(20):
            await server.put_tag("a", "production")

            await asyncio.gather(
                server.delete_tag("a", "production"),
                server.put_tag("b", "production"),
                server.delete_tag("a", "production"),
            )

            assert await server.tags() == {"a": [], "b": ["production"]}
