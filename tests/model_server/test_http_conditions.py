"""If-None-Match, If-Range and Range, against what RFC 9110 says."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rasa_model_server.http_conditions import (
    ByteRange,
    UnsatisfiableRangeError,
    none_match,
    range_applies,
    requested_range,
)

HASHES = st.text("0123456789abcdef", min_size=32, max_size=64)
WRITTEN = st.sampled_from(["{}", '"{}"', 'W/"{}"', ' "{}" ', '"x", {}', '{}, "x"', 'W/"y" ,"{}"'])


@given(HASHES, WRITTEN)
def test_the_hash_matches_however_it_is_written(known: str, written: str) -> None:
    assert not none_match(written.format(known), known)


@given(HASHES, HASHES, WRITTEN)
def test_another_hash_does_not_match(known: str, other: str, written: str) -> None:
    assume(known != other)

    assert none_match(written.format(other), known)


@given(HASHES)
def test_a_star_matches_whatever_there_is(known: str) -> None:
    assert not none_match(" * ", known)


def test_without_the_header_nothing_matches() -> None:
    assert none_match(None, "abc")
    assert none_match("", "abc")


@given(st.text(), HASHES)
def test_no_header_breaks_the_reading(header: str, known: str) -> None:
    assert none_match(header, known) in {True, False}
    assert requested_range(header, 0) is None or header.strip().lower().startswith("bytes")


@pytest.mark.parametrize(
    ("if_range", "follows"), [(None, True), ('"abc"', True), ('W/"abc"', False), ("abc", False), ("Mon, 1 Jan", False)]
)
def test_a_range_is_followed_only_for_exactly_this_model(if_range: str | None, follows: bool) -> None:
    assert range_applies(if_range, "abc") is follows


@given(st.integers(1, 100), st.integers(0, 99), st.integers(0, 200))
def test_a_range_names_its_last_byte_and_ends_where_the_model_ends(left: int, first: int, more: int) -> None:
    size = first + left

    assert requested_range(f"bytes={first}-{first + more}", size) == ByteRange(first, min(first + more + 1, size))


@given(st.integers(1, 100), st.integers(0, 99))
def test_an_open_range_goes_to_the_end(left: int, first: int) -> None:
    assert requested_range(f"bytes={first}-", first + left) == ByteRange(first, first + left)


@given(st.integers(1, 200), st.integers(1, 100))
def test_a_suffix_is_the_last_bytes(count: int, size: int) -> None:
    assert requested_range(f"bytes=-{count}", size) == ByteRange(max(0, size - count), size)


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_without_a_byte_of_the_model_is_unsatisfiable(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        requested_range(header, 100)


@pytest.mark.parametrize("header", [None, "", "bytes=-", "bytes=5-1", "lines=1-2", "bytes=0-1,5-6", "bytes=a-b", "x"])
def test_what_is_not_one_range_of_bytes_is_ignored(header: str | None) -> None:
    assert requested_range(header, 100) is None


MANY = "9" * 5000


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (f"bytes=0-{MANY}", ByteRange(0, 100)),
        (f"bytes=-{MANY}", ByteRange(0, 100)),
        (f"bytes=000{'0' * 5000}7-8", ByteRange(7, 9)),
        (f"bytes={MANY}-0", None),
        ("bytes=" + " " * 16_000 + "x", None),
        ("bytes=\u0661-\u0662", None),
    ],
)
def test_numbers_of_any_length_are_understood(header: str, wanted: ByteRange | None) -> None:
    assert requested_range(header, 100) == wanted


@pytest.mark.parametrize("header", [f"bytes={MANY}-", f"bytes={MANY}-{MANY}"])
def test_a_start_of_any_length_behind_the_end_is_not_satisfiable(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        requested_range(header, 100)
