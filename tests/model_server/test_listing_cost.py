"""The operator lists the models every 30 seconds: that must cost a remote store next to nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import obstore
import pytest

from rasa_model_server.storage import Catalogue, ModelRecord, open_storage

MODELS = 1000


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each object of the store was read, and each prefix listed."""
    counted: Counter[str] = Counter()
    get, list_objects = obstore.get_async, obstore.list

    async def counted_get(store: Any, path: str, **options: Any) -> Any:
        counted[path] += 1
        return await get(store, path, **options)

    def counted_list(store: Any, prefix: str, **options: Any) -> Any:
        counted[prefix] += 1
        return list_objects(store, prefix, **options)

    monkeypatch.setattr(obstore, "get_async", counted_get)
    monkeypatch.setattr(obstore, "list", counted_list)
    return counted


@pytest.fixture
async def catalogue() -> Catalogue:
    catalogue = Catalogue(open_storage("memory://").store)
    for number in range(MODELS):
        await catalogue.add_model(record(number))
    for number in range(10):
        await catalogue.put_tag(f"tag-{number}", f"m{number}")
    return catalogue


def record(number: int) -> ModelRecord:
    return ModelRecord(
        model=f"m{number}", archive=f"models/m{number}.x.tar.gz", hash="0", size=1, trained_at=number, uploaded_at=0
    )


async def test_a_listing_reads_each_object_once(catalogue: Catalogue, reads: Counter[str]) -> None:
    listed = await catalogue.models()

    assert len(listed) == MODELS
    assert reads.total() == 2 + MODELS + 10


async def test_a_repeated_listing_reads_no_object(catalogue: Catalogue, reads: Counter[str]) -> None:
    first = await catalogue.models()
    reads.clear()

    assert await catalogue.models() == first
    assert reads == {"models": 1, "tags": 1}


async def test_a_repeated_listing_reads_what_changed(catalogue: Catalogue, reads: Counter[str]) -> None:
    await catalogue.models()
    await catalogue.put_tag("tag-1", "m500")
    await catalogue.add_model(record(MODELS))
    await catalogue.delete_model("m20")
    reads.clear()

    listed = {model.record.model: model.tags for model in await catalogue.models()}

    # The record of a model says when it was tagged last.
    assert reads == {"models": 1, "tags": 1, f"models/m{MODELS}.json": 1, "models/m500.json": 1}
    assert (listed["m1"], listed["m500"], len(listed)) == ((), ("tag-1",), MODELS)
