"""What a cache treats as a change, and what it contains after any order of events."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Listing
from tests.cluster.objects import config_map

A, B = ObjectKey("bots", "a"), ObjectKey("bots", "b")


@pytest.fixture
def cache() -> ObjectCache:
    """Empty."""
    return ObjectCache()


def listing(version: int, *items: JsonObject) -> Listing:
    """A listing made at that version."""
    return Listing(list(items), str(version))


def test_an_unknown_object_is_news(cache: ObjectCache) -> None:
    assert cache.put(config_map("a", {"x": "1"}, version=5))
    assert cache.get(A) == config_map("a", {"x": "1"}, version=5)
    assert cache.version(A) == 5


def test_the_echo_of_a_version_that_is_known_is_no_news(cache: ObjectCache) -> None:
    cache.put(config_map("a", version=5))
    assert not cache.put(config_map("a", version=5))


def test_a_newer_version_with_the_same_content_is_stored_and_no_news_to_a_cache_by_content() -> None:
    cache = ObjectCache(by_content=True)
    cache.put(config_map("a", {"x": "1"}, version=5))
    assert not cache.put(config_map("a", {"x": "1"}, version=6))
    assert cache.get(A) == config_map("a", {"x": "1"}, version=6)
    assert cache.put(config_map("a", {"x": "2"}, version=7))


def test_another_status_is_news_and_leaves_the_rest_unchanged_in_a_cache_by_content() -> None:
    cache = ObjectCache(by_content=True)
    cache.put({**config_map("a", {"x": "1"}, version=5), "status": {"replicas": 1}})
    assert cache.put({**config_map("a", {"x": "1"}, version=6), "status": {"replicas": 2}})
    assert cache.get(A) == {**config_map("a", {"x": "1"}, version=6), "status": {"replicas": 2}}
    assert cache.unchanged_since(A) == 5
    assert cache.put({**config_map("a", {"x": "2"}, version=7), "status": {"replicas": 2}})
    assert cache.unchanged_since(A) == 7


def test_an_update_of_what_an_outline_leaves_out_is_news_to_a_cache_by_content() -> None:
    cache = ObjectCache(outline=lambda obj: {"metadata": obj["metadata"]}, largest=100, by_content=True)
    cache.put(config_map("a", {"x": "1" * 200}, version=5))
    assert cache.put(config_map("a", {"x": "2" * 200}, version=6))
    assert cache.version(A) == 6


def test_a_condensed_object_is_an_outline_and_only_another_content_is_news() -> None:
    cache = ObjectCache(outline=lambda obj: {"metadata": obj["metadata"]}, largest=10_000, by_content=True)
    long = "1" * 2000
    cache.put({**config_map("a", {"x": long}, version=5), "status": {"replicas": 1}})
    cache.condense(A, 5)
    outlined = {"metadata": {"name": "a", "namespace": "bots", "resourceVersion": "5"}, "status": {"replicas": 1}}
    assert cache.get(A) == outlined
    assert not cache.put({**config_map("a", {"x": long}, version=6), "status": {"replicas": 1}})
    assert cache.put({**config_map("a", {"x": long}, version=7), "status": {"replicas": 2}})
    assert cache.unchanged_since(A) == 5
    assert cache.put(config_map("a", {"x": "2"}, version=8))
    assert cache.get(A) == config_map("a", {"x": "2"}, version=8)
    assert cache.unchanged_since(A) == 8


def test_an_object_that_has_changed_meanwhile_is_not_condensed() -> None:
    cache = ObjectCache(outline=lambda obj: {"metadata": obj["metadata"]}, largest=10_000, by_content=True)
    cache.put(config_map("a", {"x": "1" * 2000}, version=6))
    cache.condense(A, 5)
    assert cache.get(A) == config_map("a", {"x": "1" * 2000}, version=6)


def test_what_is_long_and_condensed_is_news_in_every_version() -> None:
    cache = ObjectCache(
        outline=lambda obj: {"metadata": {**obj["metadata"], "note": "1" * 2000}}, largest=100, by_content=True
    )
    cache.put(config_map("a", {"x": "1" * 200}, version=5))
    cache.condense(A, 5)
    assert cache.put(config_map("a", {"x": "1" * 200}, version=6))


def test_an_object_never_goes_back_to_an_older_version(cache: ObjectCache) -> None:
    cache.put(config_map("a", {"x": "new"}, version=10))
    assert not cache.put(config_map("a", {"x": "old"}, version=9))
    assert cache.get(A) == config_map("a", {"x": "new"}, version=10)


def test_versions_are_numbers_not_text(cache: ObjectCache) -> None:
    cache.put(config_map("a", version=9))
    assert cache.put(config_map("a", version=10))


def test_what_is_not_there_is_none(cache: ObjectCache) -> None:
    assert cache.get(A) is None
    assert cache.version(A) is None
    assert not cache.remove(A)


def test_a_removed_object_is_gone(cache: ObjectCache) -> None:
    cache.put(config_map("a", version=5))
    assert cache.remove(A)
    assert cache.get(A) is None


def test_managed_fields_are_not_kept(cache: ObjectCache) -> None:
    obj = config_map("a", version=5)
    obj["metadata"]["managedFields"] = [{"manager": "x"}]
    cache.put(obj)
    assert cache.get(A) == config_map("a", version=5)
    assert "managedFields" in obj["metadata"], "the caller's object is left as it is"


def test_a_projection_decides_what_is_kept() -> None:
    cache = ObjectCache(lambda obj: {"data": obj["data"]})
    cache.put(config_map("a", {"x": "1"}, version=5))
    assert cache.get(A) == {"data": {"x": "1"}}


def test_what_is_got_can_be_changed_without_changing_the_cache(cache: ObjectCache) -> None:
    cache.put(config_map("a", {"x": "1"}, version=5))
    first = cache.get(A)
    assert first is not None
    first["data"]["x"] = "2"
    assert cache.get(A) == config_map("a", {"x": "1"}, version=5)


def test_a_listing_tells_what_changed_what_is_new_and_what_is_gone(cache: ObjectCache) -> None:
    same, changed, gone, new = (config_map(name, version=5) for name in ("same", "changed", "gone", "new"))
    for obj in (same, changed, gone):
        cache.put(obj)
    keys = cache.replace(listing(9, same, config_map("changed", version=8), new))
    assert keys == {ObjectKey("bots", name) for name in ("changed", "gone", "new")}
    assert set(cache.keys()) == {ObjectKey("bots", name) for name in ("same", "changed", "new")}


def test_an_object_that_was_created_after_the_listing_was_made_stays(cache: ObjectCache) -> None:
    cache.put(config_map("a", version=12))
    assert cache.replace(listing(10)) == set()
    assert cache.version(A) == 12


def test_a_listing_of_one_namespace_leaves_the_others_alone(cache: ObjectCache) -> None:
    cache.put(config_map("a", namespace="bots", version=5))
    cache.put(config_map("a", namespace="other", version=5))
    relist = cache.relist("bots")
    relist.start("9")
    assert relist.finish() == {A}
    assert set(cache.keys()) == {ObjectKey("other", "a")}


def test_a_late_answer_to_a_write_does_not_bring_back_a_deleted_object(cache: ObjectCache) -> None:
    cache.put(config_map("a", version=5))
    cache.remove(A)
    cache.advance("6")
    assert not cache.put(config_map("a", version=5))
    assert cache.get(A) is None


def test_an_object_that_is_created_again_is_news(cache: ObjectCache) -> None:
    cache.advance("6")
    assert cache.put(config_map("a", version=7))


def test_after_a_restored_backup_the_older_versions_count(cache: ObjectCache) -> None:
    cache.replace(listing(100, config_map("a", {"x": "new"}, version=90), config_map("b", version=90)))
    restored = config_map("a", {"x": "old"}, version=40)
    assert cache.replace(listing(50, restored)) == {A, B}
    assert cache.get(A) == restored
    assert cache.get(B) is None


EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=20)


@given(EVENTS, st.randoms(use_true_random=False))
def test_answers_that_come_at_any_time_change_nothing_in_the_end(
    events: list[tuple[str, bool]], chance: random.Random
) -> None:
    cache = ObjectCache()
    truth: dict[ObjectKey, int] = {}
    answers: list[JsonObject] = []
    for version, (name, exists) in enumerate(events, start=1):
        key, obj = ObjectKey("bots", name), config_map(name, version=version)
        if exists:
            truth[key] = version
            answers.append(obj)
            if chance.random() < 0.5:
                cache.put(answers.pop())  # the answer overtakes the event
            cache.put(obj)
        else:
            truth.pop(key, None)
            cache.remove(key)
        cache.advance(str(version))
        if answers and chance.random() < 0.5:
            cache.put(answers.pop(0))  # the answer comes late
    for answer in answers:
        cache.put(answer)
    assert {key: cache.version(key) for key in cache.keys()} == truth  # noqa: SIM118
