"""Small servers that speak the part of Rasa's HTTP API that the model server uses, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from rasa_model_server.server import bind, url_of
from rasa_model_server.settings import Settings

Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class SmallRasa:
    """An assistant that greets, then repeats each message. It records the path and token of each request."""

    token: str = "token-of-rasa"
    version: str = "3.6.21"
    minimum: str = "3.6.0"
    plan: tuple[str, ...] = ("utter_greet", "action_repeat", "action_listen")
    url: str = ""
    asked: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)
    to_do: list[str] = field(default_factory=list)

    def routes(self) -> list[Route]:
        conversation = "/conversations/{sender:path}"
        return [
            Route("/version", self._noted(self._version)),
            Route(f"{conversation}/messages", self._noted(self._guarded(self._message)), methods=["POST"]),
            Route(f"{conversation}/predict", self._noted(self._guarded(self._predict)), methods=["POST"]),
            Route(f"{conversation}/execute", self._noted(self._guarded(self._execute)), methods=["POST"]),
        ]

    def _noted(self, handler: Handler) -> Handler:
        async def noted(request: Request) -> Response:
            self.asked.append(request.url.path)
            return await handler(request)

        return noted

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if request.query_params.get("token") != self.token:
                return JSONResponse({"status": "failure"}, 401)
            return await handler(request)

        return guarded

    async def _version(self, _: Request) -> Response:
        return JSONResponse({"version": self.version, "minimum_compatible_version": self.minimum})

    async def _message(self, request: Request) -> Response:
        body = await request.json()
        assert body["sender"] == "user"
        self.told.setdefault(request.path_params["sender"], []).append(body["text"])
        self.to_do = list(self.plan)
        return JSONResponse({"events": []})

    async def _predict(self, _: Request) -> Response:
        others = [{"action": "action_back", "score": 0.1}]
        return JSONResponse(
            {"scores": [*others, {"action": self.to_do[0], "score": 0.9}], "policy": "p", "confidence": 0.9}
        )

    async def _execute(self, request: Request) -> Response:
        action = (await request.json())["name"]
        sender = request.path_params["sender"]
        self.to_do.remove(action)
        said = {"utter_greet": "Hello.", "action_repeat": self.told[sender][-1]}
        return JSONResponse({"messages": [{"recipient_id": sender, "text": said[action]}] if action in said else []})


@contextlib.asynccontextmanager
async def running_rasa(rasa: SmallRasa | None = None) -> AsyncIterator[SmallRasa]:
    """Run the assistant, and set its URL."""
    rasa = rasa or SmallRasa()
    async with running_routes(rasa.routes()) as url:
        rasa.url = url
        yield rasa


@contextlib.asynccontextmanager
async def running_routes(routes: list[Route]) -> AsyncIterator[str]:
    """Serve the routes on a free port of loopback, and yield the URL."""
    listener = bind(Settings(storage="memory://", port=0))
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=routes), access_log=False, log_config=None, timeout_graceful_shutdown=0)
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield url_of(listener)
    finally:
        server.should_exit = True
        await serving


def answering(handler: Handler) -> list[Route]:
    """Routes that answer everything with the handler."""
    return [Route("/{path:path}", handler, methods=["GET", "POST"])]


async def html(_: Request) -> Response:
    """What a login page in front of Rasa answers."""
    return HTMLResponse("<html>Please log in</html>")


def redirect(to: str) -> Handler:
    """What answers that what is asked for is elsewhere."""

    async def answer(_: Request) -> Response:
        return RedirectResponse(to)

    return answer
