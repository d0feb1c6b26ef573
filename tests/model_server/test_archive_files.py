"""Reading model files of a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.exceptions import GenericError

from rasa_model_server.storage.archive_files import CHUNK_BYTES, read_archive_file

CONTENT = os.urandom(2 * CHUNK_BYTES + 100)
OFFSETS = st.integers(0, len(CONTENT))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(CONTENT)
    return tmp_path


async def read(directory: Path, key: str, start: int = 0, end: int = len(CONTENT)) -> bytes:
    return b"".join([bytes(chunk) async for chunk in await read_archive_file(directory, key, start, end)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(OFFSETS, OFFSETS)
async def test_exactly_the_bytes_that_are_asked_for_are_read(directory: Path, start: int, end: int) -> None:
    assert await read(directory, "a", start, end) == CONTENT[start:end]


async def test_what_the_page_cache_does_not_have_is_read_all_the_same(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def would_wait(*_: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", would_wait)

    assert await read(directory, "a") == CONTENT


async def test_no_more_than_a_chunk_is_in_memory_at_a_time(directory: Path) -> None:
    chunks = await read_archive_file(directory, "a", 0, len(CONTENT))

    assert [len(chunk) async for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, 100]


async def test_a_file_that_is_shorter_than_its_record_says_is_not_sent(directory: Path) -> None:
    with pytest.raises(GenericError, match=f"a has {len(CONTENT)} bytes, and its record says {len(CONTENT) + 1}"):
        await read(directory, "a", 0, len(CONTENT) + 1)


async def test_a_file_that_is_cut_short_while_it_is_sent_ends_with_an_error(directory: Path) -> None:
    chunks = await read_archive_file(directory, "a", 0, len(CONTENT))
    await anext(chunks)
    os.truncate(directory / "a", CHUNK_BYTES + 10)

    with pytest.raises(GenericError, match="cut short"):
        _ = [chunk async for chunk in chunks]


async def test_a_file_that_is_not_there_is_not_found(directory: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await read(directory, "b")


@pytest.mark.parametrize("key", ["link", "below/a"])
async def test_a_symbolic_link_is_not_followed(directory: Path, key: str) -> None:
    (directory / "link").symlink_to("a")
    (directory / "below").symlink_to(".")

    with pytest.raises(FileNotFoundError):
        await read(directory, key)
