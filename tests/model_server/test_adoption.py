"""Serving the model files that others wrote into a bucket or a directory."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rasa_model_server.archive import ArchiveInspector
from rasa_model_server.storage import AdoptedModelError, ModelRecord, NotReadYetError
from rasa_model_server.storage.adopted import reading
from rasa_model_server.storage.adopted.files import ChangedFileError, ListedFile
from rasa_model_server.storage.retention import Retention, delete_old_models
from tests.model_server.adopting import Adopting, Bucket, Directory, Place, foreign
from tests.model_server.archives import member, model_file, tar_gz
from tests.model_server.s3 import FakeS3, s3_on_loopback

METADATA = {"rasa_open_source_version": "3.6.21", "model_id": "a1b2", "trained_at": "2026-01-01T12:00:00"}


@pytest.fixture(params=["bucket", "directory"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    if request.param == "directory":
        (tmp_path / "files").mkdir()
        yield Directory(tmp_path / "files")
        return
    store = FakeS3()
    async with s3_on_loopback(store, monkeypatch):
        yield Bucket(store)


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    (tmp_path / "files").mkdir()
    return Directory(tmp_path / "files")


async def test_a_file_is_listed_with_what_it_says_of_its_training(place: Place) -> None:
    content = model_file("a", METADATA)
    place.write("20260101-120000.tar.gz", content)
    server = Adopting(place)

    await server.settle()

    [listed] = await server.catalogue.models()
    assert (listed.record.model, listed.record.version, listed.record.model_id) == ("20260101-120000", "3.6.21", "a1b2")
    assert listed.record.trained_at == 1767268800.0
    assert (listed.record.hash, listed.record.size) == (hashlib.sha256(content).hexdigest(), len(content))


async def test_a_file_was_uploaded_when_it_was_last_written(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"), at=1_700_000_000)
    server = Adopting(place)
    await server.settle()

    place.write("b.tar.gz", model_file("b"), at=1_700_000_100)
    place.write("a.tar.gz", model_file("other"), at=1_700_000_200)
    await server.settle()

    assert await uploads(server) == {"a": 1_700_000_200.0, "b": 1_700_000_100.0}


async def test_a_file_with_a_time_in_the_future_was_uploaded_when_it_was_found(place: Place) -> None:
    before = time.time()
    place.write("a.tar.gz", model_file("a"), at=before + 86_400)
    server = Adopting(place)

    await server.settle()

    found = await uploads(server)
    assert before <= found["a"] <= time.time()
    restarted = Adopting(place)
    await restarted.settle()
    assert await uploads(restarted) == found


async def uploads(server: Adopting) -> dict[str, float]:
    """The time at which each model was uploaded."""
    return {model.record.model: model.record.uploaded_at for model in await server.catalogue.models()}


async def test_a_model_is_tagged_and_pulled_and_its_file_stays_as_it_is(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    before = foreign(place)
    server = Adopting(place)
    await server.settle()

    tagged = await server.catalogue.put_tag("production", "a")

    assert tagged
    assert await server.pulled("production") == model_file("a")
    assert foreign(place) == before
    assert ".rasa-model-server/tags/production.json" in place.content()


async def test_old_files_of_others_are_never_deleted(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"), at=0)
    before = foreign(place)
    server = Adopting(place)
    await server.settle()

    deleted = await delete_old_models(server.catalogue, Retention(age=timedelta(days=1)), datetime.now(UTC))

    assert (deleted, foreign(place)) == ([], before)
    assert [each.record.model for each in await server.catalogue.models()] == ["a"]


async def test_a_new_file_is_found_by_the_next_scan(place: Place) -> None:
    server = Adopting(place)
    await server.settle()

    place.write("a.tar.gz", model_file("a"))
    await server.settle()

    assert await server.names() == ["a"]


async def test_only_what_is_directly_there_and_ends_in_tar_gz_is_a_model(place: Place) -> None:
    for name in ("a.tar.gz", "folder/b.tar.gz", "c.zip", "d.tar", ".tar.gz"):
        place.write(name, model_file(name))
    server = Adopting(place)

    await server.settle()

    assert await server.names() == ["a"]


async def test_a_restart_reads_the_index_and_no_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        place.write(f"m{number}.tar.gz", model_file(str(number)))
    place.write("bad.tar.gz", b"no model")
    first = Adopting(place)
    await first.settle()
    read = count_reads(monkeypatch)

    second = Adopting(place)
    await second.settle()

    assert await second.names() == await first.names()
    assert read == []


async def test_without_its_index_a_server_reads_the_files_again(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    await Adopting(place).settle()
    place.write(".rasa-model-server/adopted.json", b"[[[")

    server = Adopting(place)
    await server.settle()

    assert await server.names() == ["a"]


async def test_what_a_tag_names_is_read_first_then_what_was_written_last(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for written_at, name in enumerate(("tagged", "before", "later"), start=1_700_000_000):
        place.write(f"{name}.tar.gz", model_file(name), written_at)
    server = Adopting(place)
    await server.settle()
    await server.catalogue.put_tag("production", "tagged")
    place.remove(".rasa-model-server/adopted.json")
    read = count_reads(monkeypatch)

    await Adopting(place).settle()

    assert read == ["tagged.tar.gz", "later.tar.gz", "before.tar.gz"]


async def test_before_the_first_scan_nothing_is_said_of_any_model(place: Place) -> None:
    server = Adopting(place)

    with pytest.raises(NotReadYetError):
        await server.catalogue.models()
    with pytest.raises(NotReadYetError):
        await server.catalogue.model("a")
    with pytest.raises(NotReadYetError):
        await server.catalogue.check()


async def test_a_file_that_was_found_and_not_read_yet_is_neither_there_nor_absent(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    server = Adopting(place)

    await server.adoption.scan()

    assert await server.names() == []
    with pytest.raises(NotReadYetError, match=r"a\.tar\.gz has been found and is being read"):
        await server.catalogue.model("a")


async def test_a_removed_file_is_no_model_and_its_tag_is_on_nothing(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    server = Adopting(place)
    await server.settle()
    await server.catalogue.put_tag("production", "a")

    place.remove("a.tar.gz")
    await server.settle()

    assert await server.names() == []
    assert await server.pulled("production") is None


async def test_a_replaced_file_is_served_under_its_tag_only_once_that_is_set_again(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.write("a.tar.gz", model_file("first"))
    server = Adopting(place)
    await server.settle()
    await server.catalogue.put_tag("production", "a")

    place.write("a.tar.gz", model_file("second"))
    await server.settle()
    before = await server.pulled("production")
    await server.catalogue.put_tag("production", "a")

    assert before is None
    assert await server.pulled("production") == model_file("second")
    assert "a.tar.gz has been replaced" in caplog.text


async def test_a_replaced_file_is_not_sent_for_the_one_that_was_read(place: Place) -> None:
    place.write("a.tar.gz", model_file("first"))
    server = Adopting(place)
    await server.settle()
    await server.catalogue.put_tag("production", "a")

    place.write("a.tar.gz", model_file("second"))

    with pytest.raises(FileNotFoundError):
        await server.pulled("production")


async def test_the_same_file_written_again_keeps_its_tags(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    server = Adopting(place)
    await server.settle()
    await server.catalogue.put_tag("production", "a")

    place.write("a.tar.gz", model_file("a"))
    await server.settle()

    assert await server.pulled("production") == model_file("a")


async def test_no_model_of_others_is_deleted(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    server = Adopting(place)
    await server.settle()

    with pytest.raises(AdoptedModelError):
        await server.catalogue.delete_model("a")

    assert foreign(place) == {"a.tar.gz": model_file("a")}


async def test_a_name_of_a_file_is_taken_for_uploads(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    server = Adopting(place)
    await server.settle()

    assert not await server.catalogue.add_model(uploaded("a"))
    assert await server.catalogue.add_model(uploaded("b"))
    assert sorted(await server.names()) == ["a", "b"]


async def test_of_an_uploaded_model_and_a_later_file_of_its_name_the_upload_counts(place: Place) -> None:
    server = Adopting(place)
    await server.settle()
    await server.catalogue.add_model(uploaded("a"))

    place.write("a.tar.gz", model_file("a"))
    await server.settle()

    [listed] = await server.catalogue.models()
    assert listed.record == uploaded("a") == await server.catalogue.model("a")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (lambda: b"", "it is empty"),
        (lambda: b"no model", "it is not gzip"),
        (lambda: model_file("a")[:-30], "its gzip data is cut off"),
        (lambda: tar_gz([("a", bytes(200_000_000))]), "it unpacks to more than"),
        (lambda: tar_gz([("../a", b"")]), "has '..' in its path"),
        (lambda: tar_gz([member("a", b"2", "/etc/passwd")]), "is neither a file nor a directory"),
        (lambda: tar_gz([("a", os.urandom(11_000_000))]), "it is larger than the 10000000 bytes"),
    ],
    ids=["empty", "not gzip", "cut off", "bomb", "outside", "link", "large"],
)
async def test_what_is_not_a_model_is_left_out_and_logged_once(
    place: Place, caplog: pytest.LogCaptureFixture, content: Callable[[], bytes], problem: str
) -> None:
    place.write("bad.tar.gz", content())
    place.write("good.tar.gz", model_file("good"))
    server = Adopting(place)

    for _ in range(3):
        await server.settle()

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert await server.names() == ["good"]
    assert len(warnings) == 1
    assert warnings[0].startswith("bad.tar.gz is not served")
    assert problem in warnings[0]


async def test_a_name_that_no_model_can_have_is_left_out(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.write("my model (1).tar.gz", model_file("a"))
    server = Adopting(place)

    for _ in range(2):
        await server.settle()

    assert await server.names() == []
    assert "'my model (1)' is not the name of a model" in caplog.text


async def test_a_file_that_is_still_being_written_is_served_only_when_it_is_whole(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    content = tar_gz([("weights", os.urandom(500_000))])
    server, file = Adopting(directory), directory.path / "a.tar.gz"
    seen = []

    for size in (0, 100_000, 400_000, len(content)):
        file.write_bytes(content[:size])
        await server.settle()
        seen.append(await server.names())

    assert seen == [[], [], [], ["a"]]
    assert caplog.text == ""


async def test_a_file_that_is_written_to_while_it_is_sent_is_not_sent_whole(directory: Directory) -> None:
    content = tar_gz([("weights", os.urandom(1_000_000))])
    directory.write("a.tar.gz", content)
    server = Adopting(directory)
    await server.settle()
    [model] = await server.catalogue.models()
    opened = await server.catalogue.read_archive(model.record.archive, 0, len(content))
    received: list[bytes] = []

    async def receive() -> None:
        async for piece in opened:
            received.append(bytes(piece))
            with (directory.path / "a.tar.gz").open("r+b") as file:
                file.write(b"other")

    with pytest.raises(ChangedFileError, match="was written to while it was read"):
        await receive()
    assert 0 < len(b"".join(received)) < len(content)


async def test_links_and_pipes_in_a_directory_are_left_out(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "secret.tar.gz").write_bytes(model_file("secret"))
    (directory.path / "link.tar.gz").symlink_to(tmp_path / "secret.tar.gz")
    os.mkfifo(directory.path / "pipe.tar.gz")
    server = Adopting(directory)

    await server.settle()

    assert await server.names() == []


async def test_a_file_that_became_a_link_is_not_sent(directory: Directory, tmp_path: Path) -> None:
    directory.write("a.tar.gz", model_file("a"))
    server = Adopting(directory)
    await server.settle()
    await server.catalogue.put_tag("production", "a")
    (directory.path / "a.tar.gz").rename(tmp_path / "elsewhere.tar.gz")
    (directory.path / "a.tar.gz").symlink_to(tmp_path / "elsewhere.tar.gz")

    with pytest.raises(FileNotFoundError):
        await server.pulled("production")


async def test_tags_may_be_kept_elsewhere_so_that_the_place_is_only_read(place: Place, tmp_path: Path) -> None:
    place.write("a.tar.gz", model_file("a"))
    server = Adopting(place, storage=str(tmp_path / "own"))

    await server.settle()
    await server.catalogue.put_tag("production", "a")

    assert dict(place.content()) == {"a.tar.gz": model_file("a")}
    assert await server.pulled("production") == model_file("a")


async def test_a_second_replica_serves_what_the_first_tagged(place: Place) -> None:
    place.write("a.tar.gz", model_file("a"))
    first, second = Adopting(place), Adopting(place)
    await asyncio.gather(first.settle(), second.settle())

    await first.catalogue.put_tag("production", "a")

    assert await second.pulled("production") == model_file("a")


def uploaded(name: str) -> ModelRecord:
    return ModelRecord(model=name, archive=f"models/{name}.x.tar.gz", hash="0", size=1, trained_at=0, uploaded_at=0)


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that are inspected from now on."""
    paths: list[str] = []
    record = reading._record

    def counted(name: str, file: ListedFile, inspector: ArchiveInspector) -> ModelRecord:
        paths.append(file.path)
        return record(name, file, inspector)

    monkeypatch.setattr(reading, "_record", counted)
    return paths
