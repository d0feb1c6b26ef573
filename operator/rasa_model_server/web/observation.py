"""The access log, without secrets, and the metrics of requests."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rasa_model_server.metrics import Metrics

UNKNOWN_ROUTE = "(unknown)"

_SHOWN_PARAMETERS = frozenset({"limit", "offset", "tag", "environment"})
_SECRET_PARAMETERS = frozenset({"token", "api_token"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})

access_logger = logging.getLogger("rasa_model_server.access")


@dataclass
class _Tally:
    status: int = 500
    received: int = 0
    sent: int = 0


class Observation:
    """ASGI middleware around the application."""

    def __init__(self, application: ASGIApp, metrics: Metrics) -> None:
        self._application = application
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and record it once it is answered or abandoned."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        tally = _Tally()
        started = time.monotonic()

        async def counted_receive() -> Message:
            message = await receive()
            tally.received += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                tally.status = message["status"]
            tally.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._application(scope, counted_receive, counted_send)
        finally:
            self._tell(scope, tally, time.monotonic() - started)

    def _tell(self, scope: Scope, tally: _Tally, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _route_of(scope)
        self._metrics.count_request(
            method, route, tally.status, seconds=seconds, received=tally.received, sent=tally.sent
        )
        client = scope.get("client")
        path = redacted(scope["path"], scope["query_string"].decode("latin-1"))
        access_logger.info(
            "%s %s %d",
            method,
            path,
            tally.status,
            extra={
                "fields": {
                    "method": method,
                    "path": path,
                    "status": tally.status,
                    "seconds": round(seconds, 4),
                    "received_bytes": tally.received,
                    "sent_bytes": tally.sent,
                    "client": client[0] if client else None,
                }
            },
        )


def _route_of(scope: Scope) -> str:
    """Return the template of the path, where there is a route that takes the method."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) and scope["method"] in (route.methods or ()) else UNKNOWN_ROUTE


def redacted(path: str, query: str) -> str:
    """Return the path and query of a request for a log. Only parameters known to be harmless are shown with a value."""
    if not query:
        return _escaped(path)
    return f"{_escaped(path)}?{'&'.join(_shown(*pair) for pair in parse_qsl(query, keep_blank_values=True))}"


def _shown(name: str, value: str) -> str:
    if name in _SHOWN_PARAMETERS:
        return f"{name}={_escaped(value)}"
    return f"{name}=..." if name in _SECRET_PARAMETERS else "..."


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")
