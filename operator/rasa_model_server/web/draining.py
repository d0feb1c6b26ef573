"""Reading the rest of a refused request."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import ClientDisconnect, Request

_DRAIN_SECONDS = 30.0


async def drain(request: Request) -> None:
    """Read the rest of a request's body, for up to 30 seconds, before it is answered with an error.

    A client that is still sending when the connection is closed gets a reset, and misses the answer. One that sent
    `Expect: 100-continue` waits for the answer before it sends, and reading would ask it to go on.
    """
    if "expect" in request.headers:
        return
    # Starlette raises a RuntimeError where the body has been read to its end.
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in request.stream():
                pass
