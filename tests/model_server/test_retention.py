"""Old models are deleted, and never one that a tag needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_model_server.names import ARCHIVE_SUFFIX
from rasa_model_server.storage import Catalogue, ModelRecord, Storage, TagRecord, open_storage
from rasa_model_server.storage.records import EARLIER_MODELS
from rasa_model_server.storage.retention import GRACE, Retention, delete_old_models, old_models
from tests.model_server.processes import OPEN, failed_start
from tests.model_server.s3 import FakeS3, s3_on_loopback

START = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = datetime.now(UTC) + 1000 * DAY
NO_LONGER = Retention(age=DAY)


@pytest.fixture(params=["directory", "memory", "bucket"])
async def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Storage]:
    """An empty store of each kind."""
    match request.param:
        case "directory":
            yield open_storage(str(tmp_path / "store"))
        case "memory":
            yield open_storage("memory://")
        case _:
            async with s3_on_loopback(FakeS3(), monkeypatch):
                yield open_storage("s3://bucket/prefix")


@pytest.fixture
def catalogue(storage: Storage) -> Catalogue:
    return Catalogue(storage.store, storage.directory)


def record(name: str, uploaded: datetime = START, used: datetime | None = None) -> ModelRecord:
    return ModelRecord(
        model=name,
        archive=f"models/{name}.{'0' * 32}{ARCHIVE_SUFFIX}",
        hash="0",
        size=3,
        trained_at=0,
        uploaded_at=uploaded.timestamp(),
        used_at=used.timestamp() if used is not None else None,
    )


async def add(catalogue: Catalogue, *names: str) -> None:
    """Uploads models, as long ago as their order says."""
    for number, name in enumerate(names):
        added = record(name, START + number * DAY)
        async with catalogue.write_archive(added.archive) as file:
            await file.write(b"abc")
        assert await catalogue.add_model(added)


async def names(catalogue: Catalogue) -> set[str]:
    return {model.record.model for model in await catalogue.models()}


async def files(storage: Storage) -> set[str]:
    listed = await obstore.list(storage.store, "models").collect_async()
    return {each["path"].split("/")[-1].split(".")[0] for each in listed if each["path"].endswith(ARCHIVE_SUFFIX)}


async def test_without_a_limit_nothing_is_deleted(catalogue: Catalogue) -> None:
    await add(catalogue, "a", "b")

    assert await delete_old_models(catalogue, Retention(), LATER) == []
    assert await names(catalogue) == {"a", "b"}


async def test_the_oldest_are_deleted_with_their_files(catalogue: Catalogue, storage: Storage) -> None:
    await add(catalogue, "a", "b", "c", "d")

    deleted = await delete_old_models(catalogue, Retention(models=2), LATER)

    assert [each.model for each in deleted] == ["a", "b"]
    assert await names(catalogue) == await files(storage) == {"c", "d"}


async def test_the_models_of_a_tag_and_those_it_had_before_stay(catalogue: Catalogue) -> None:
    await add(catalogue, "a", "b", "c", "d")
    for model in ("a", "b", "a", "c"):
        await catalogue.put_tag("production", model)

    await delete_old_models(catalogue, NO_LONGER, LATER)

    assert await names(catalogue) == {"a", "b", "c"}


async def test_a_tag_remembers_so_many_models_and_no_more(catalogue: Catalogue) -> None:
    models = [f"m{number:02}" for number in range(EARLIER_MODELS + 3)]
    await add(catalogue, *models)
    for model in models:
        await catalogue.put_tag("production", model)

    await delete_old_models(catalogue, NO_LONGER, LATER)

    assert await names(catalogue) == set(models[2:])


async def test_a_tag_that_was_taken_away_leaves_its_model_as_long_as_a_new_one(catalogue: Catalogue) -> None:
    await add(catalogue, "a", "b")
    await catalogue.put_tag("staging", "a")
    await catalogue.remove_tag("staging", "a")

    await delete_old_models(catalogue, NO_LONGER, datetime.now(UTC) + GRACE)
    soon = await names(catalogue)
    await delete_old_models(catalogue, NO_LONGER, LATER)

    assert (soon, await names(catalogue)) == ({"a"}, set())


async def test_a_model_that_was_used_within_the_hour_stays_whatever_the_limit(catalogue: Catalogue) -> None:
    await add(catalogue, "a", "b")
    await catalogue.mark_used("a")

    await delete_old_models(catalogue, Retention(models=1), datetime.now(UTC))

    assert await names(catalogue) == {"a"}


async def test_a_dry_run_names_what_it_would_delete(catalogue: Catalogue, caplog: pytest.LogCaptureFixture) -> None:
    await add(catalogue, "a", "b")

    with caplog.at_level(logging.INFO):
        await delete_old_models(catalogue, Retention(models=1, dry_run=True), LATER)

    assert await names(catalogue) == {"a", "b"}
    logged = [each.getMessage() for each in caplog.records if each.name.startswith("rasa_model_server")]
    assert logged == [
        "the model a would be deleted: it was last uploaded or tagged at 2020-01-01T00:00:00Z, and has 3 bytes"
    ]


async def test_the_name_of_a_deleted_model_can_be_used_again(catalogue: Catalogue, storage: Storage) -> None:
    await add(catalogue, "a")
    await delete_old_models(catalogue, NO_LONGER, LATER)

    await add(catalogue, "a")
    again = await Catalogue(storage.store, storage.directory).model("a")

    assert again == record("a")


async def test_a_model_that_is_tagged_while_retention_decides_survives(catalogue: Catalogue, storage: Storage) -> None:
    """Whatever the other replica does comes after the decision, and before the deletion."""
    await add(catalogue, "a", "b")
    # A directory belongs to one process.
    other = catalogue if storage.directory is not None else Catalogue(storage.store)
    found = await catalogue.models_and_tags()
    assert found is not None
    decided = old_models(*found, NO_LONGER, LATER)

    tagged = await other.put_tag("production", "a")
    deleted = [each.model for each in decided if await catalogue.delete_unused(each)]

    assert (tagged, deleted) == (True, ["b"])
    model = await other.model_with_tag("production")
    assert model is not None
    assert model.model == "a"


async def test_of_a_tag_and_a_deletion_at_once_one_comes_first(catalogue: Catalogue, storage: Storage) -> None:
    other = catalogue if storage.directory is not None else Catalogue(storage.store)
    await add(catalogue, "kept")
    for number in range(10):
        name = f"m{number}"
        await add(catalogue, name)
        await catalogue.put_tag("production", "kept")

        tagged, _ = await asyncio.gather(
            other.put_tag("production", name), delete_old_models(catalogue, NO_LONGER, datetime.now(UTC))
        )

        on = await other.model_with_tag("production")
        assert on is not None, "the tag is on nothing"
        assert (on.model == name) is tagged


async def test_a_deletion_that_was_cut_off_leaves_a_file_that_is_swept_and_no_model(
    catalogue: Catalogue, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(catalogue, "a")

    async def killed(_: str) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(catalogue, "delete_archive", killed)
    with pytest.raises(asyncio.CancelledError):
        await delete_old_models(catalogue, NO_LONGER, LATER)

    assert await names(catalogue) == set()
    assert await files(storage) == {"a"}


async def test_nothing_is_deleted_while_a_tag_cannot_be_read(
    catalogue: Catalogue, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    await add(catalogue, "a")
    await obstore.put_async(storage.store, "tags/production.json", b'{"tag": "production"')

    await delete_old_models(catalogue, NO_LONGER, LATER)
    with_it = await names(catalogue)
    await obstore.delete_async(storage.store, "tags/production.json")
    await delete_old_models(catalogue, NO_LONGER, LATER)

    assert (with_it, await names(catalogue)) == ({"a"}, set())
    assert "no old models are deleted while the store has tags that cannot be read: see above" in caplog.messages


async def test_a_file_that_no_upload_wrote_is_never_deleted(catalogue: Catalogue, storage: Storage) -> None:
    foreign = record("a").model_copy(update={"archive": "theirs/important.tar.gz"})
    await obstore.put_async(storage.store, foreign.archive, b"theirs")
    await catalogue.add_model(foreign)

    await delete_old_models(catalogue, NO_LONGER, LATER)

    assert bytes((await obstore.get_async(storage.store, foreign.archive)).bytes()) == b"theirs"


MOMENTS = st.integers(0, 100).map(lambda days: START + days * DAY)
RECORDS = st.lists(
    st.builds(record, st.sampled_from("abcdefgh"), MOMENTS, st.none() | MOMENTS),
    unique_by=lambda found: found.model,
)
RETENTIONS = st.builds(
    Retention,
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 100).map(lambda days: days * DAY),
)
TAGS = st.lists(
    st.builds(
        lambda tag, model, earlier: TagRecord(
            tag=tag, model=model, archive=record(model).archive, earlier=tuple(record(name).archive for name in earlier)
        ),
        st.sampled_from(["production", "staging"]),
        st.sampled_from("abcdefgh"),
        st.lists(st.sampled_from("abcdefgh"), max_size=3),
    )
)


@given(RECORDS, TAGS, RETENTIONS, MOMENTS)
def test_whatever_is_old_has_no_tag_and_exceeds_every_limit(
    models: list[ModelRecord], tags: list[TagRecord], retention: Retention, now: datetime
) -> None:
    old = old_models(models, tags, retention, now)

    needed = {archive for tag in tags for archive in (tag.archive, *tag.earlier)}
    assert [each for each in old if each.archive in needed] == []
    kept = [each for each in models if each not in old]
    assert len(kept) >= min(len(models), retention.models or 0)
    for each in old:
        assert retention.enabled
        assert each.last_used_at < (now - (retention.age or GRACE)).timestamp()
        newer = [other for other in models if other.last_used_at >= each.last_used_at and other != each]
        assert len(newer) >= (retention.models or 0)


def options(*arguments: str) -> Callable[[], tuple[int, str, str]]:
    return lambda: failed_start("--storage", "memory://", OPEN, *arguments)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (options("--retention-dry-run"), "--retention-dry-run has nothing to show: give --retain-models or"),
        (options("--retain-models", "0"), "'--retain-models'"),
        (options("--retain-days", "0"), "'--retain-days'"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(start: Callable[[], tuple[int, str, str]], said: str) -> None:
    code, _, errors = start()

    assert code == 2
    assert said in errors
