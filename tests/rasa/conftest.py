"""A scripted HTTP server on loopback: its responses, and a record of its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rasa_environments.rasa.transport import http_client
from tests.loopback import NO_TLS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Answers as the test says; a path without an answer gets 404."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    routes: dict[tuple[str, str], list[Handler]] = field(default_factory=dict)

    def answer(self, method: str, path: str, *handlers: Handler) -> None:
        """Set a sequence of answers, the last of which is repeated forever."""
        self.routes[method, path] = list(handlers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record the request and answer it."""
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        handlers = self.routes.get((request.method, request.path))
        if not handlers:
            return web.json_response({"message": "no such path"}, status=404)
        handler = handlers.pop(0) if len(handlers) > 1 else handlers[0]
        return await handler(request)


def says(body: object, status: int = 200, **headers: str) -> Handler:
    """A JSON answer."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return handler


def replies(text: str = "", status: int = 200, content_type: str = "text/plain", **headers: str) -> Handler:
    """A text answer."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type, headers=headers)

    return handler


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """The scripted server."""
    scripted = ScriptedServer()
    application = web.Application(client_max_size=64 * 1024**2)
    application.router.add_route("*", "/{path:.*}", scripted.handle)
    running = TestServer(application, host="127.0.0.1")
    await running.start_server(access_log=None)
    scripted.url = str(running.make_url("/")).rstrip("/")
    yield scripted
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """The connection pool that the operator uses, with short timeouts."""
    async with http_client(timeout=2.0, authorities=NO_TLS) as client:
        yield client
