"""The same over S3, whose conditional writes take the place of a directory's lock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rasa_model_server.settings import Settings
from tests.model_server.archives import model_file, tar_gz
from tests.model_server.conftest import MODELS, READS, running
from tests.model_server.s3 import FakeS3, s3_on_loopback


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeS3]:
    store = FakeS3()
    async with s3_on_loopback(store, monkeypatch):
        yield store


@pytest.fixture
def settings(settings: Settings, bucket: FakeS3) -> Settings:
    return replace(settings, storage="s3://bucket/prefix")


async def test_a_model_is_uploaded_tagged_pulled_and_deleted(settings: Settings, bucket: FakeS3) -> None:
    content = tar_gz([("weights", os.urandom(20_000_000))])

    async with running(settings) as server:
        uploaded = await server.upload("a", content)
        await server.put_tag("a", "production")
        pulled = await server.pull("production")
        part = await server.pull("production", Range="bytes=100-199")
        tags = await server.tags()
        await server.delete("a", force=True)
        left = sorted(bucket.objects)

    assert (uploaded.status_code, pulled.content, part.content) == (201, content, content[100:200])
    assert tags == {"a": ["production"]}
    assert left == ["prefix/tags/production.json"]
    assert bucket.objects["prefix/tags/production.json"] == b"null"


async def test_of_two_replicas_one_takes_a_name(settings: Settings, bucket: FakeS3) -> None:
    async with running(settings) as first, running(settings) as second:
        answers = await asyncio.gather(
            *(replica.upload("a", model_file(str(number))) for number in range(4) for replica in (first, second))
        )
        pulled = [(await replica.client.get(f"{MODELS}/a", params=READS)).content for replica in (first, second)]

    assert sorted(answer.status_code for answer in answers) == [200, 201] + [409] * 6
    assert pulled[0] == pulled[1]
    assert len(bucket.objects) == 2


async def test_a_tag_put_through_one_replica_outlives_its_deletion_through_another(settings: Settings) -> None:
    async with running(settings) as first, running(settings) as second:
        await first.upload("a")
        await first.upload("b")
        for _ in range(10):
            await first.put_tag("a", "production")

            await asyncio.gather(
                second.delete_tag("a", "production"),
                first.put_tag("b", "production"),
                second.delete_tag("a", "production"),
            )

            assert await second.tags() == {"a": [], "b": ["production"]}


async def test_a_store_that_is_down_is_said_and_nothing_is_lost(settings: Settings, bucket: FakeS3) -> None:
    async with running(settings) as server:
        await server.upload("a")
        bucket.down = True
        answers = [
            await server.upload("b", tar_gz([("weights", os.urandom(20_000_000))])),
            await server.put_tag("a", "production"),
            await server.pull("production"),
            await server.listed(),
            await server.client.get("/readyz"),
        ]
        bucket.down = False
        listed = await server.tags()
        ready = await server.client.get("/readyz")

    assert [answer.status_code for answer in answers] == [503] * 5
    assert {answer.json()["message"] for answer in answers} == {
        "the object store failed: the log of this server says how"
    }
    assert (listed, ready.status_code) == ({"a": []}, 200)
