"""Serving the application until a signal stops the process."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from rasa_model_server.connections import LimitedProtocol
from rasa_model_server.settings import Settings, SettingsError

GRACEFUL_SHUTDOWN_SECONDS = 25
"""For answers under way. Kubernetes kills a pod 30 seconds after SIGTERM."""


def bind(settings: Settings) -> socket.socket:
    """Return a socket that listens on the address of the settings.

    Raises SettingsError if it cannot listen on the address.
    """
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        where = f"--host {settings.host} --port {settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"{where}: another process listens there: choose another port, or 0 for any") from None
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise SettingsError(f"{where}: cannot listen there ({reason})") from None
    # Connections inherit it. asyncio sets it only on sockets that were made for TCP by number, which this one is not,
    # and an answer, written in two pieces, would wait 40 ms for the client's acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket, with its actual port."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configuration_of(application: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration.

    X-Forwarded-For is believed only if it comes from a proxy that the settings trust.
    """
    return uvicorn.Config(
        application,
        http=LimitedProtocol,
        loop="uvloop",
        ws="none",
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


def serve(configuration: uvicorn.Config, listener: socket.socket, announcement: str) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in progress. Print the announcement once it serves."""
    with _stopping_cleanly():
        _AnnouncingServer(configuration, announcement).run(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, configuration: uvicorn.Config, announcement: str) -> None:
        super().__init__(configuration)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"{self._announcement}\n")
            sys.stdout.flush()


@contextmanager
def _stopping_cleanly() -> Iterator[None]:
    """Keep uvicorn, which raises the signal again once it has stopped, from ending the process with it."""
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
