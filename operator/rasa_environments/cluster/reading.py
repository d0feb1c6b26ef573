"""Reading of lists and watches in bounded pieces, whatever the objects contain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

from rasa_environments.cluster.connection import LARGEST_OBJECT
from rasa_environments.cluster.decoding import Listing, Rejected, UndecodableError, decode_listing
from rasa_environments.cluster.errors import ApiError, TooLargeError

LARGEST_PAGE: Final = 4 * 1024 * 1024
"""Bytes of a page with more than one object; a longer one is requested again in smaller pages."""


@dataclass(frozen=True)
class PageSizes:
    """How lists are divided into pages. A parsed page takes ten times its length, which the process keeps."""

    first: int
    """Objects of the first page."""
    small: int
    """Bytes. After a shorter page, the next one has twice as many objects."""
    at_once: int
    """Pages that are read at the same time, of different lists."""


SMALL_PAGES: Final = PageSizes(first=25, small=128 * 1024, at_once=1)
"""For a process that stays, and is to stay small."""
LARGE_PAGES: Final = PageSizes(first=500, small=LARGEST_PAGE // 4, at_once=3)
"""For a command, which is to be quick: a thousand environments are two requests instead of twenty."""

T_co = TypeVar("T_co", covariant=True)


class Decoder(Protocol[T_co]):
    """A function of the module `decoding`."""

    def __call__(self, content: bytes, /, *, repair: bool = False) -> T_co:
        """Return the decoded content."""


class Get(Protocol):
    """A GET request; raises ApiError, and TooLargeError for a response of more than `maximum_bytes`."""

    async def __call__(self, path: str, *, metadata_only: bool, maximum_bytes: int) -> bytes:
        """Return the body of the response."""


async def decoded(decoder: Decoder[T_co], content: bytes) -> T_co:
    """Return the decoded content; if it has to be repaired first, that runs in a thread."""
    try:
        return decoder(content)
    except UndecodableError:
        return await asyncio.to_thread(decoder, content, repair=True)


class PageReader:
    """Reads lists page by page, only a few pages at a time for all callers together, to bound memory."""

    def __init__(self, get: Get, sizes: PageSizes = SMALL_PAGES) -> None:
        self._get = get
        self._sizes = sizes
        self._reading = asyncio.Semaphore(sizes.at_once)

    async def pages(
        self, path: str, query: Mapping[str, str], *, page_size: int, metadata_only: bool, namespaced: bool = True
    ) -> AsyncGenerator[Listing]:
        """Yield all pages of a list, each of at most `page_size` objects, and fewer if they are large."""
        size, place = min(page_size, self._sizes.first), dict[str, str]()
        while True:
            address = f"{path}?{urlencode({**query, 'limit': str(size), **place})}"
            async with self._reading:
                try:
                    content = await self._get(
                        address,
                        metadata_only=metadata_only,
                        maximum_bytes=LARGEST_PAGE if size > 1 else LARGEST_OBJECT,
                    )
                except TooLargeError as error:
                    if size > 1:
                        size = max(1, size // 4)
                        continue
                    page = await self._without_content(address, error)
                else:
                    if len(content) < min(self._sizes.small, LARGEST_PAGE // 4):
                        size = min(page_size, size * 2)
                    page = await decoded(partial(decode_listing, namespaced=namespaced), content)
                    del content
                place = {"continue": page.continuation}
                yield page
                del page  # otherwise it would stay in memory until the next one is read
            if not place["continue"]:
                return

    async def _without_content(self, address: str, error: TooLargeError) -> Listing:
        """Return a page with one object that is too large: rejected, described by its metadata."""
        content = await self._get(address, metadata_only=True, maximum_bytes=LARGEST_OBJECT)
        page = await decoded(decode_listing, content)
        problem = f"it has more than {error.limit} bytes as JSON"
        large = tuple(Rejected.of(item, problem) for item in page.items)
        return Listing([], page.resource_version, (*page.rejected, *large), page.continuation)


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a watch. Raises ApiError if one is truncated or too long."""
    rest = bytearray()
    async for piece in pieces:
        begun = len(rest)
        rest += piece
        if (end := rest.rfind(b"\n", begun)) >= 0:
            for line in bytes(rest[:end]).split(b"\n"):
                yield line
            del rest[: end + 1]
        if len(rest) > LARGEST_OBJECT:
            raise TooLargeError("an event of a watch", LARGEST_OBJECT)
    if rest:
        raise ApiError(0, "Unreachable", "the stream of a watch ended within an event")
