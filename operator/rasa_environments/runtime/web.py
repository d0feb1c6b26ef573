"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from rasa_environments.runtime.metrics import Metrics

Check = Callable[[], str | None]
"""Returns what is wrong now, or None."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(address: str, port: int, *, healthy: Check, ready: Check, metrics: Metrics) -> AsyncIterator[int]:
    """Serve until the block ends; yield the port. Raises OSError if the address is in use."""
    application = web.Application()
    application.add_routes(
        [
            web.get("/healthz", _answering(healthy)),
            web.get("/readyz", _answering(ready)),
            web.get("/metrics", _metrics(metrics)),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _answering(check: Check) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        problem = check()
        return web.Response(text="ok\n") if problem is None else web.Response(status=503, text=f"{problem}\n")

    return answer


def _metrics(metrics: Metrics) -> Handler:
    one_at_a_time = asyncio.Lock()

    async def answer(request: web.Request) -> web.Response:
        names = request.query.getall("name[]", ())
        async with one_at_a_time:  # In a thread, since it takes a while for thousands of objects.
            metrics.sample()
            text = await asyncio.to_thread(metrics.text, names)
        return web.Response(body=text, content_type="text/plain", charset="utf-8")

    return answer
