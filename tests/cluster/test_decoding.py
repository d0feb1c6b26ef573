"""Whatever bytes the API server sends: one bad object is rejected, and everything else is read."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.decoding import (
    DEEPEST,
    Listing,
    Rejected,
    UndecodableError,
    WatchEvent,
    decode,
    decode_event,
    decode_listing,
    decode_object,
    problem_of,
)
from rasa_environments.cluster.errors import ApiError
from tests.cluster.objects import config_map

GOOD = config_map("good", {"a": "1"}, version=7)
BAD = ObjectKey("bots", "bad")


def body(value: object, bad: bytes = b"null") -> bytes:
    """The value as JSON, with `bad` where it says BAD."""
    return json.dumps(value).encode().replace(b'"BAD"', bad)


def nested(depth: int) -> bytes:
    """Lists within lists."""
    return b"[" * depth + b"]" * depth


def listing(content: bytes) -> Listing:
    """As the client decodes it."""
    try:
        return decode_listing(content)
    except UndecodableError:
        return decode_listing(content, repair=True)


def event(content: bytes) -> WatchEvent | Rejected:
    """As the client decodes it."""
    try:
        return decode_event(content)
    except UndecodableError:
        return decode_event(content, repair=True)


def page(*items: object, bad: bytes = b"null") -> bytes:
    """A list with these items."""
    metadata = {"resourceVersion": "9", "continue": "next"}
    return body({"kind": "ConfigMapList", "metadata": metadata, "items": items}, bad)


def depth_of(value: Any) -> int:
    """How deep it is nested."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
        ]
    return deepest


UNREADABLE = [b"NaN", b"-1e999", b"9" * 5000, b'"\\ud800"', b'"\xff"', b"Infinity", b'"\x01"']
"""Values that Python's own reader accepts, or that nothing accepts, and that orjson refuses."""


@pytest.mark.parametrize("depth", [254, 255, 1000, 1023, 1025, 1500, 9000])
def test_a_deeply_nested_object_is_cut_and_all_of_a_list_is_read(depth: int) -> None:
    deep = config_map("deep", version=8) | {"x": "BAD"}
    answer = listing(page(GOOD, deep, GOOD, bad=nested(depth)))
    assert [item["metadata"]["name"] for item in answer.items] == ["good", "deep", "good"]
    assert answer.rejected == ()
    orjson.dumps(answer.items)
    assert DEEPEST - 5 < depth_of(answer.items[1]) <= 254


def test_a_large_and_deep_object_is_read() -> None:
    many = b"[" + b",".join([nested(3000)] * 200) + b"]"
    assert len(many) > 1_200_000
    answer = listing(page(config_map("deep", version=8) | {"x": "BAD"}, bad=many))
    assert depth_of(answer.items[0]) <= 254


def test_brackets_within_text_do_not_count() -> None:
    text = '\\"[{' * 500
    answer = listing(page(config_map("a", {text: text}, version=8), GOOD | {"x": "BAD"}, bad=nested(2000)))
    assert answer.items[0]["data"] == {text: text}


@pytest.mark.parametrize("bad", UNREADABLE)
def test_an_item_that_is_not_json_is_rejected_alone(bad: bytes) -> None:
    answer = listing(page(GOOD, config_map("bad", version=8) | {"x": "BAD"}, GOOD, bad=bad))
    assert answer.items == [GOOD, GOOD]
    assert (answer.resource_version, answer.continuation) == ("9", "next")
    assert [(rejected.key, rejected.version) for rejected in answer.rejected] == [(BAD, 8)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"metadata": None}, "metadata is not an object"),
        ({"metadata": []}, "metadata is not an object"),
        ({"metadata": {"name": "bad"}}, "metadata.namespace is not a name"),
        ({"metadata": {"namespace": "bots", "name": 5}}, "metadata.name is not a name"),
        ({"metadata": {"namespace": "bots", "name": "\ud800"}}, "metadata.name is not a name"),
        ({"labels": ["a"]}, "metadata.labels is not a map of text"),
        ({"labels": {"a": None}}, "metadata.labels is not a map of text"),
        ({"annotations": "a"}, "metadata.annotations is not a map of text"),
        ({"resourceVersion": "x"}, "metadata.resourceVersion is not a number"),
        ({"resourceVersion": 8}, "metadata.resourceVersion is not a number"),
        ({"resourceVersion": "9" * 5000}, "metadata.resourceVersion is not a number"),
        ({"resourceVersion": "٣"}, "metadata.resourceVersion is not a number"),
        ({"ownerReferences": [None]}, "metadata.ownerReferences is not a list of objects"),
        ({"ownerReferences": {"uid": "x"}}, "metadata.ownerReferences is not a list of objects"),
        ({"deletionTimestamp": 5}, "metadata.deletionTimestamp is not text"),
        ({"uid": {}}, "metadata.uid is not text"),
        ({"data": []}, "data is not an object"),
        ({"spec": "x"}, "spec is not an object"),
        ({"status": 1}, "status is not an object"),
    ],
)
def test_an_object_of_another_shape_is_rejected_and_says_why(changes: JsonObject, problem: str) -> None:
    bad = config_map("bad", version=8)
    outside = {"metadata", "data", "spec", "status"}
    bad |= {field: value for field, value in changes.items() if field in outside}
    if "metadata" not in changes:
        bad["metadata"] |= {field: value for field, value in changes.items() if field not in outside}
    assert problem_of(bad) == problem


@pytest.mark.parametrize("field", ["data", "spec", "status", "labels", "annotations", "ownerReferences"])
def test_null_is_as_good_as_absent(field: str) -> None:
    assert problem_of({**GOOD, field: None, "metadata": {**GOOD["metadata"], field: None}}) is None


@pytest.mark.parametrize("item", [None, 5, "text", [], {}])
def test_an_item_that_is_no_object_is_rejected_alone(item: object) -> None:
    answer = listing(page(GOOD, item, GOOD))
    assert answer.items == [GOOD, GOOD]
    assert [rejected.key for rejected in answer.rejected] == [None]


@pytest.mark.parametrize(
    "content", [b"", b"<html>Please log in</html>", b"null", b"[]", b"{}", b'{"metadata": {}}', b'"text"', b"\xff"]
)
def test_an_answer_that_is_no_list_is_an_error(content: bytes) -> None:
    with pytest.raises(ApiError, match="so it is not from an API server"):
        listing(content)


def test_an_event_of_a_deeply_nested_object_is_read() -> None:
    read = event(body({"type": "ADDED", "object": GOOD | {"x": "BAD"}}, nested(9000)))
    assert isinstance(read, WatchEvent)
    assert read.object["metadata"] == GOOD["metadata"]


@pytest.mark.parametrize("bad", UNREADABLE)
def test_an_event_of_an_unreadable_object_is_rejected(bad: bytes) -> None:
    read = event(body({"type": "MODIFIED", "object": config_map("bad", version=8) | {"x": "BAD"}}, bad))
    assert isinstance(read, Rejected)
    assert (read.key, read.version) == (BAD, 8)


@pytest.mark.parametrize("bad", [*UNREADABLE, b"5"])
def test_the_deletion_of_an_unusable_object_is_reported(bad: bytes) -> None:
    read = event(body({"type": "DELETED", "object": config_map("bad", version=8) | {"data": "BAD"}}, bad))
    metadata = {"namespace": "bots", "name": "bad", "resourceVersion": "8"}
    assert read == WatchEvent("DELETED", {"metadata": metadata})


@pytest.mark.parametrize(
    "line",
    [
        b"<html>",
        b"{}",
        b"[]",
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": 5}',
        b'{"type": "MOVED", "object": {}}',
        b'{"type": ["ADDED"], "object": {}}',
        b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "x"}}}',
        b'{"type": "BOOKMARK", "object": {}}',
        b'{"type": "ERROR"}',
        b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}',
    ],
)
def test_what_is_no_event_is_an_error(line: bytes) -> None:
    with pytest.raises(ApiError):
        event(line)


def test_an_object_of_another_shape_is_an_error_where_it_is_the_answer() -> None:
    with pytest.raises(ApiError, match="cannot use an object returned by the API server: metadata is not an object"):
        decode_object(b'{"kind": "ConfigMap"}')


def test_a_text_without_end_is_refused_at_once() -> None:
    for content in (b'{"a": "' + b"x" * 2_000_000, b'{"a": "' + b'\\"' * 1_000_000):
        with pytest.raises(ApiError, match="so it is not from an API server"):
            listing(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["a", "7", "bots"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)
METADATA = st.dictionaries(
    st.sampled_from(["name", "namespace", "resourceVersion", "labels", "ownerReferences", "uid"]), JSON
)
OBJECTS = JSON | st.fixed_dictionaries({"metadata": METADATA | JSON}, optional={"data": JSON, "spec": JSON})


@settings(deadline=None)
@given(st.lists(OBJECTS, max_size=5), st.integers(0, 5))
@example([float("inf")], 0)
@example(["\ud800", float("nan"), 7], 1)
@example([None, [float("inf")]], 0)
def test_no_item_spoils_a_list(items: list[object], place: int) -> None:
    everything = [*items[:place], GOOD, *items[place:]]
    answer = listing(page(*everything))
    assert GOOD in answer.items
    assert len(answer.items) + len(answer.rejected) == len(everything)
    assert all(problem_of(item) is None for item in answer.items)


@settings(deadline=None)
@given(st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]) | JSON, OBJECTS)
def test_no_event_raises_anything_else(kind: object, obj: object) -> None:
    try:
        read = event(body({"type": kind, "object": obj}))
    except ApiError:
        return
    assert isinstance(read, WatchEvent | Rejected)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\a1', max_size=200).map(str.encode))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    for decoder in (decode, decode_object, decode_listing, decode_event):
        try:
            decoder(content, repair=True)
        except ApiError:
            continue


@settings(deadline=None)
@given(JSON, st.integers(1, 3))
def test_what_is_not_deep_is_read_as_it_is(value: object, levels: int) -> None:
    content = json.dumps({"x": value}, allow_nan=False) if _is_finite(value) else "{}"
    try:
        expected = orjson.loads(content)
    except ValueError:
        return
    assert decode(content.encode(), repair=True) == decode(content.encode()) == expected


def _is_finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
