"""Pulling a model as a Rasa server does it, and as curl does it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import pytest_asyncio

from rasa_model_server.settings import Settings
from tests.model_server.archives import model_file
from tests.model_server.conftest import MODELS, READS, ModelServer, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = model_file("the model")
HASH = hashlib.sha256(CONTENT).hexdigest()
PATHS = (
    f"{MODELS}/a",
    f"{MODELS}/tags/production",
    "/api/models/tags/production",
    "/projects/default/models/tags/production",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tagged(shared_server: ModelServer) -> ModelServer:
    """A server with one model, which has the tag production."""
    await shared_server.upload("a", CONTENT)
    await shared_server.put_tag("a", "production")
    return shared_server


@pytest.mark.parametrize("path", PATHS)
async def test_a_pull_brings_the_file_its_hash_and_its_name(tagged: ModelServer, path: str) -> None:
    answer = await tagged.client.get(path, params=READS)

    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["ETag"] == f'"{HASH}"'
    assert answer.headers["filename"] == "a.tar.gz"
    assert answer.headers["Content-Type"] == "application/gzip"


@pytest.mark.parametrize("path", PATHS)
async def test_a_head_says_the_same_without_the_file(tagged: ModelServer, path: str) -> None:
    pulled = await tagged.client.get(path, params=READS)

    asked = await tagged.client.head(path, params=READS)

    assert asked.status_code == 200
    assert asked.content == b""
    assert {**asked.headers, "date": ""} == {**pulled.headers, "date": ""}


async def test_a_rasa_server_pulls_once_and_then_only_what_changed(shared_server: ModelServer) -> None:
    server = shared_server
    await server.upload("first", model_file("first"))
    await server.upload("second", model_file("second"))

    await server.put_tag("first", "worker")
    first = await server.pull("worker", If_None_Match="8f14e45fceea167a5a36dedd4bea2543")
    second = await server.pull("worker", If_None_Match=first.headers["ETag"])
    await server.put_tag("second", "worker")
    third = await server.pull("worker", If_None_Match=first.headers["ETag"])

    assert (first.status_code, second.status_code, third.status_code) == (200, 204, 200)
    assert second.content == b""
    assert third.headers["filename"] == "second.tar.gz"


@pytest.mark.parametrize("known", [HASH, f'"{HASH}"', f'W/"{HASH}"', "*", f'"other", "{HASH}"', f"other,{HASH}"])
async def test_a_known_model_is_not_sent_again(tagged: ModelServer, known: str) -> None:
    answer = await tagged.pull("production", If_None_Match=known)

    assert (answer.status_code, answer.headers["ETag"]) == (204, f'"{HASH}"')


async def test_a_tag_that_no_model_has_is_404(tagged: ModelServer) -> None:
    answer = await tagged.pull("staging")

    assert (answer.status_code, answer.json()["message"]) == (404, "no model has the tag 'staging'")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, len(CONTENT)), ("bytes=-5", len(CONTENT) - 5, len(CONTENT))],
)
async def test_a_range_brings_these_bytes(tagged: ModelServer, asked: str, start: int, end: int) -> None:
    answer = await tagged.pull("production", Range=asked)

    assert answer.status_code == 206
    assert answer.content == CONTENT[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"


async def test_a_range_after_the_end_is_refused(tagged: ModelServer) -> None:
    answer = await tagged.pull("production", Range="bytes=1000000-")

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


async def test_a_download_is_continued_only_if_the_model_is_still_the_same(tagged: ModelServer) -> None:
    same = await tagged.pull("production", Range="bytes=10-", If_Range=f'"{HASH}"')
    changed = await tagged.pull("production", Range="bytes=10-", If_Range='"another"')

    assert (same.status_code, changed.status_code) == (206, 200)
    assert changed.content == CONTENT


async def test_a_second_replica_on_the_same_store_answers_the_same(tagged: ModelServer, settings: Settings) -> None:
    first = await tagged.pull("production")

    async with running(replace(settings, storage=str(tagged.directory))) as replica:
        second = await replica.pull("production")

    assert (second.headers["ETag"], second.content) == (first.headers["ETag"], first.content)


async def test_all_of_it_works_in_memory_too(settings: Settings) -> None:
    async with running(replace(settings, storage="memory://")) as server:
        await server.upload("a", CONTENT)
        await server.put_tag("a", "production")
        await server.delete_tag("a", "staging")
        pulled = await server.pull("production", Range="bytes=2-")
        await server.delete_tag("a", "production")
        untagged = await server.pull("production")

    assert (pulled.content, untagged.status_code) == (CONTENT[2:], 404)
