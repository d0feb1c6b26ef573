"""How lists and watches are read: in pieces whose size is bounded, whatever the objects hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

from rasa_environments.cluster.connection import LARGEST_OBJECT
from rasa_environments.cluster.decoding import Listing, Rejected, Undecodable, decode_listing
from rasa_environments.cluster.errors import ApiError, TooLarge

LARGEST_PAGE: Final = 4 * 1024 * 1024
"""Bytes of a page of more than one object: a longer one is asked for again in smaller pieces."""

T_co = TypeVar("T_co", covariant=True)


class Decoder(Protocol[T_co]):
    """A function of the module `decoding`."""

    def __call__(self, content: bytes, /, *, repair: bool = False) -> T_co:
        """What the content says."""


class Get(Protocol):
    """A GET request; raises `ApiError`, `TooLarge` for an answer of more than `maximum_bytes`."""

    async def __call__(self, path: str, *, metadata_only: bool, maximum_bytes: int) -> bytes:
        """The body of the answer."""


async def decoded(decoder: Decoder[T_co], content: bytes) -> T_co:
    """What the content says; where it has to be repaired first, the event loop goes on meanwhile."""
    try:
        return decoder(content)
    except Undecodable:
        return await asyncio.to_thread(decoder, content, repair=True)


class PageReader:
    """Reads lists page by page: one page at a time, whoever reads, so that their memory does not add up."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._one_page = asyncio.Lock()

    async def pages(
        self, path: str, query: Mapping[str, str], *, page_size: int, metadata_only: bool, namespaced: bool = True
    ) -> AsyncGenerator[Listing]:
        """All pages of a list, each of at most `page_size` objects, and fewer where they are big."""
        size, place = page_size, dict[str, str]()
        while True:
            address = f"{path}?{urlencode({**query, 'limit': str(size), **place})}"
            async with self._one_page:
                try:
                    content = await self._get(
                        address,
                        metadata_only=metadata_only,
                        maximum_bytes=LARGEST_PAGE if size > 1 else LARGEST_OBJECT,
                    )
                except TooLarge as error:
                    if size > 1:
                        size = max(1, size // 4)
                        continue
                    page = await self._without_content(address, error)
                else:
                    if len(content) < LARGEST_PAGE // 4:
                        size = min(page_size, size * 2)
                    page = await decoded(partial(decode_listing, namespaced=namespaced), content)
                    del content
                place = {"continue": page.continuation}
                yield page
                del page  # or it would be in memory until the next one is
            if not place["continue"]:
                return

    async def _without_content(self, address: str, error: TooLarge) -> Listing:
        """The page of one object that is too large: rejected, by what its metadata says of it."""
        content = await self._get(address, metadata_only=True, maximum_bytes=LARGEST_OBJECT)
        page = await decoded(decode_listing, content)
        problem = f"it has more than {error.limit} bytes as JSON"
        large = tuple(Rejected.of(item, problem) for item in page.items)
        return Listing([], page.resource_version, (*page.rejected, *large), page.continuation)


async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a watch. Raises `ApiError` where one is cut, is too long, or does not come to its end."""
    rest = bytearray()
    async for piece in pieces:
        begun = len(rest)
        rest += piece
        if (end := rest.rfind(b"\n", begun)) >= 0:
            for line in bytes(rest[:end]).split(b"\n"):
                yield line
            del rest[: end + 1]
        if len(rest) > LARGEST_OBJECT:
            raise TooLarge("an event of a watch", LARGEST_OBJECT)
    if rest:
        raise ApiError(0, "Unreachable", "the stream of a watch ended within an event")
