"""A server that adopts a bucket, over HTTP: what its callers see, and where pulls are sent."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import obstore
import pytest
from obstore.exceptions import GenericError

from rasa_model_server.settings import Settings
from rasa_model_server.storage.adopted import adoption, reading
from rasa_model_server.storage.adopted.files import AdoptedFiles, ListedFile
from rasa_model_server.storage.adopted.index import AdoptionIndex, ReadFile
from rasa_model_server.storage.adopted.reading import ReadingLimits
from tests.loopback import NO_TLS
from tests.model_server.adopting import Bucket, foreign
from tests.model_server.archives import model_file
from tests.model_server.conftest import MODELS, READS, ModelServer, running
from tests.model_server.s3 import FakeS3, entity_tag, s3_on_loopback

CONTENT = model_file("a")
HASH = hashlib.sha256(CONTENT).hexdigest()
RASA_STARTS = {"If_None_Match": "8f14e45fceea167a5a36dedd4bea2543"}


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    """It has one model of somebody else."""
    monkeypatch.setattr(adoption, "SCAN_SECONDS", 0.1)
    store = FakeS3()
    async with s3_on_loopback(store, monkeypatch):
        place = Bucket(store)
        place.write("a.tar.gz", CONTENT)
        yield place


@pytest.fixture
async def server(settings: Settings, bucket: Bucket) -> AsyncIterator[ModelServer]:
    async with running(replace(settings, storage=None, adopt=bucket.url)) as started:
        await found(started, {"a": []})
        yield started


@pytest.fixture
async def redirecting(settings: Settings, bucket: Bucket) -> AsyncIterator[ModelServer]:
    """A server that sends pulls to the bucket. Its one model has the tag production."""
    async with running(replace(settings, storage=None, adopt=bucket.url, redirect=True)) as started:
        await found(started, {"a": []})
        await started.put_tag("a", "production")
        yield started


async def found(server: ModelServer, tags: dict[str, list[str]]) -> None:
    """Wait until these models are listed, with these tags."""

    async with asyncio.timeout(20):
        while True:
            answer = await server.listed()
            if answer.status_code == 200 and {model["model"]: model["tags"] for model in answer.json()} == tags:
                return
            await asyncio.sleep(0.02)


async def logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Wait until the text is in the log."""
    async with asyncio.timeout(20):
        while True:
            if text in caplog.text:
                return
            await asyncio.sleep(0.02)


async def test_what_is_there_is_listed_tagged_pulled_and_not_deleted(server: ModelServer, bucket: Bucket) -> None:
    tagged = await server.put_tag("a", "production")
    pulled = await server.pull("production", **RASA_STARTS)
    part = await server.pull("production", Range="bytes=10-19")
    unchanged = await server.pull("production", If_None_Match=pulled.headers["ETag"])
    deleted = await server.delete("a")

    assert (tagged.status_code, pulled.status_code, part.status_code, unchanged.status_code) == (204, 200, 206, 204)
    assert (pulled.content, part.content) == (CONTENT, CONTENT[10:20])
    assert (pulled.headers["ETag"], pulled.headers["filename"]) == (f'"{HASH}"', "a.tar.gz")
    assert (deleted.status_code, deleted.json()["reason"]) == (409, "AdoptedModel")
    assert foreign(bucket) == {"a.tar.gz": CONTENT}


async def test_a_file_that_comes_while_the_server_runs_is_found(server: ModelServer, bucket: Bucket) -> None:
    bucket.write("b.tar.gz", model_file("b"))

    await found(server, {"a": [], "b": []})


async def test_models_can_be_uploaded_beside_those_of_others(server: ModelServer, bucket: Bucket) -> None:
    uploaded = await server.upload("b")
    taken = await server.upload("a", model_file("another"))

    assert (uploaded.status_code, taken.status_code) == (201, 409)
    assert await server.tags() == {"a": [], "b": []}
    assert foreign(bucket) == {"a.tar.gz": CONTENT}


async def test_a_server_whose_bucket_never_answered_is_not_ready_and_says_nothing_of_models(
    settings: Settings, bucket: Bucket
) -> None:
    bucket.store.down = True

    async with running(replace(settings, storage=None, adopt=bucket.url)) as server:
        answers = [await server.listed(), await server.pull("production"), await server.client.get("/readyz")]
        live = await server.client.get("/healthz")
        metrics = await server.client.get("/metrics")

    assert [answer.status_code for answer in answers] == [503] * 3
    assert (live.status_code, metrics.status_code) == (200, 200)


async def test_a_place_where_the_index_cannot_be_written_is_served_all_the_same(
    server: ModelServer, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object) -> None:
        raise GenericError("403 Forbidden")

    monkeypatch.setattr(AdoptionIndex, "save", refuse)
    bucket.write("b.tar.gz", model_file("b"))

    await found(server, {"a": [], "b": []})
    await logged(caplog, "the index of adopted files cannot be written: 403 Forbidden")
    assert (await server.client.get("/readyz")).status_code == 200


async def test_a_file_that_nobody_thought_of_holds_no_other_up(
    server: ModelServer, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(adoption, "_RETRY_SECONDS", 0.1)
    read = reading.read_adopted

    async def fail(files: AdoptedFiles, file: ListedFile, limits: ReadingLimits) -> ReadFile:
        if file.path == "odd.tar.gz":
            raise RuntimeError("not thought of")
        return await read(files, file, limits)

    monkeypatch.setattr(adoption, "read_adopted", fail)

    for name in ("odd", "b", "c"):
        bucket.write(f"{name}.tar.gz", model_file(name))

    await found(server, {"a": [], "b": [], "c": []})
    await logged(caplog, "not thought of")


async def test_a_pull_is_sent_to_a_signed_url_where_that_is_wanted(redirecting: ModelServer, bucket: Bucket) -> None:
    answer = await redirecting.pull("production", **RASA_STARTS)

    url = httpx.URL(answer.headers["Location"])
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        file = await client.get(url)
    assert (answer.status_code, answer.content, answer.headers["Cache-Control"]) == (307, b"", "no-store")
    assert url.path == "/bucket/teams/bot/a.tar.gz"
    assert {"X-Amz-Signature", "X-Amz-Expires"} <= url.params.keys()
    assert not {"token", "api_token"} & url.params.keys()
    assert file.content == CONTENT


@pytest.mark.parametrize("known", [f'"{HASH}"', entity_tag(CONTENT)], ids=["ours", "of the bucket"])
async def test_whoever_has_the_model_from_here_or_from_the_bucket_is_not_sent_there(
    redirecting: ModelServer, known: str
) -> None:
    answer = await redirecting.pull("production", If_None_Match=known)

    assert (answer.status_code, answer.headers["ETag"]) == (204, known)


async def test_heads_ranges_and_uploaded_models_are_answered_here(redirecting: ModelServer) -> None:
    await redirecting.upload("b", model_file("b"))

    head = await redirecting.client.head(f"{MODELS}/tags/production", params=READS)
    part = await redirecting.pull("production", Range="bytes=0-9")
    uploaded = await redirecting.client.get(f"{MODELS}/b", params=READS)

    assert (head.status_code, head.headers["ETag"], head.headers["filename"]) == (200, f'"{HASH}"', "a.tar.gz")
    assert (part.status_code, part.content) == (206, CONTENT[:10])
    assert (uploaded.status_code, uploaded.content) == (200, model_file("b"))


async def test_a_url_that_cannot_be_signed_is_done_without(
    redirecting: ModelServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object) -> str:
        raise GenericError("no key to sign with: https://iam.example/?secret=hunter2")

    monkeypatch.setattr(obstore, "sign_async", refuse)

    answer = await redirecting.pull("production", **RASA_STARTS)

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert "could not be signed" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_signed_url_is_in_no_log(redirecting: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    answer = await redirecting.pull("production", **RASA_STARTS)

    assert answer.status_code == 307
    assert "/models/tags/production" in caplog.text
    assert "X-Amz" not in caplog.text
