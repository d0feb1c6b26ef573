"""A multipart body is parsed the same way however it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_model_server.web.multipart import Event, MultipartError, PartData, PartStart, boundary_of, events

BOUNDARY = b"boundary"


async def parsed(body: bytes, chunk_size: int) -> list[tuple[str, str | None, bytes]]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), chunk_size):
            yield body[start : start + chunk_size]

    parts: list[tuple[str, str | None, bytes]] = []
    event: Event
    async for event in events(chunks(), BOUNDARY, maximum=10_000):
        match event:
            case PartStart(name, filename):
                parts.append((name, filename, b""))
            case PartData(content):
                name, filename, so_far = parts.pop()
                parts.append((name, filename, so_far + content))
    return parts


def encoded(files: list[tuple[str, tuple[str, bytes]]]) -> bytes:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    return httpx.Request("POST", "http://localhost", headers=headers, files=files).read()


CONTENT = st.binary(max_size=200) | st.sampled_from([b"\r\n--boundar", b"\r\n--boundary", b"\r", b"--boundary--"[:-3]])


@given(st.lists(CONTENT, min_size=1, max_size=3), st.integers(1, 50))
async def test_what_was_sent_comes_out_whatever_the_chunks(contents: list[bytes], chunk_size: int) -> None:
    unambiguous = [content.replace(b"--" + BOUNDARY, b"") for content in contents]
    files = [("model", (f"{number}.tar.gz", content)) for number, content in enumerate(unambiguous)]

    parts = await parsed(encoded(files), chunk_size)

    assert parts == [(name, filename, content) for name, (filename, content) in files]


@given(st.integers(1, 200))
async def test_a_body_that_ends_early_is_an_error(length: int) -> None:
    body = encoded([("model", ("a.tar.gz", b"x" * 50))])

    with pytest.raises(MultipartError):
        await parsed(body[: min(length, len(body) - 10)], 20)


@given(st.binary(max_size=500))
async def test_a_body_of_anything_else_is_an_error(body: bytes) -> None:
    with pytest.raises(MultipartError):
        await parsed(body, 100)


def test_the_boundary_is_taken_out_of_its_quotes() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
