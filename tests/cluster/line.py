"""A connection between a client and the API server that can be interrupted and frozen, and recording clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from rasa_environments.cluster.connection import LARGEST_OBJECT, Connection

Before = Callable[[str, str], Awaitable[None]]


class RecordingConnection(Connection):
    """A client that records its requests; `before` may do something just before one is sent."""

    requests: list[tuple[str, str]]
    before: Before | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str],
        maximum_bytes: int = LARGEST_OBJECT,
    ) -> bytes:
        """Send, and record verb and path without the query."""
        self.requests.append((method, path.partition("?")[0]))
        if self.before is not None:
            before, self.before = self.before, None
            await before(method, path)
            self.before = self.before or before
        return await super().request(method, path, body=body, headers=headers, maximum_bytes=maximum_bytes)

    async def open(self) -> None:
        """Open with an empty record."""
        self.requests = []
        await super().open()

    @property
    def verbs(self) -> list[str]:
        """The verbs of all requests so far."""
        return [method for method, _ in self.requests]


class Line:
    """A TCP proxy on a loopback address in front of `server`."""

    def __init__(self, server: str) -> None:
        target = urlsplit(server)
        assert target.hostname is not None
        assert target.port is not None
        self._target = (target.hostname, target.port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._whole = asyncio.Event()
        self._whole.set()
        self._is_cut = False
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Start to listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all connections."""
        assert self._server is not None
        self._server.close()
        writers = list(self._writers)
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *[writer.wait_closed() for writer in writers], return_exceptions=True)

    @property
    def address(self) -> str:
        """The address of the API server through this proxy."""
        assert self._server is not None
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """End all connections, and every new one."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """Forward nothing any more, without closing anything."""
        self._whole.clear()

    def mend(self) -> None:
        """Forward everything again."""
        self._is_cut = False
        self._whole.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._note(asyncio.current_task())
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(back)
        if self._is_cut:
            writer.transport.abort()
            back.transport.abort()
        for source, sink in ((reader, back), (there, writer)):
            self._note(asyncio.create_task(self._pump(source, sink)))

    def _note(self, task: asyncio.Task[None] | None) -> None:
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._whole.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._writers.discard(sink)


def kubeconfig_with(
    source: Path, target: Path, *, server: str | None = None, user: Mapping[str, Any] | None = None
) -> str:
    """Write a kubeconfig like `source`, but with that server or that user; returns its path."""
    content = yaml.safe_load(source.read_text())
    if server is not None:
        content["clusters"][0]["cluster"]["server"] = server
    if user is not None:
        content["users"][0]["user"] = dict(user)
    target.write_text(yaml.safe_dump(content))
    return str(target)


async def eventually(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Return when it holds; fail after `seconds`, saying what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:.0f} s in vain for {what}") from None
