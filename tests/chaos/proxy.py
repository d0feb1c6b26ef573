"""A reverse proxy between the operator and a server: it counts requests and causes faults on demand.

It runs in its own thread; all methods may be called from any other thread.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import yaml
from aiohttp import web

from local.node.certificates import Authority
from tests.chaos.actions import Action, PassOn
from tests.chaos.calls import Call, Phase, Rate, does_write, rate
from tests.chaos.exchange import HALF_AN_EVENT, DroppedError, Exchange, Stream

__all__ = ["Call", "DroppedError", "Fault", "FaultProxy", "Phase", "every", "kubeconfig"]

T = TypeVar("T")
HOST = "127.0.0.1"
SECONDS = 20.0
"""Time limit for a call from another thread."""

Which = Callable[[Call], bool]
Fault = Callable[[Call], Action | None]
"""What happens to a call; None: it is forwarded."""


def every(_: Call) -> bool:
    """All calls."""
    return True


class FaultProxy:
    """Forwards everything to `upstream` while there is no fault.

    With `authority`, it serves HTTPS with a certificate of that authority's. `upstream_authority` (PEM) is what it
    knows the server behind by.
    """

    def __init__(
        self, upstream: str, *, authority: Authority | None = None, upstream_authority: str | None = None
    ) -> None:
        self.upstream = upstream.rstrip("/")
        self.authority = authority
        self.calls: list[Call] = []
        self.connections: list[float] = []
        """When each connection was made, even if nothing was ever asked in it."""
        self.forwarded: set[int] = set()
        """Positions of the calls that were forwarded."""
        self.on_write: Callable[[Call, Phase], None] = lambda _call, _phase: None
        """Called in its own thread for each write; it may raise `DroppedError`."""
        self.errors: list[BaseException] = []
        """What went wrong in the proxy itself, or in the hook."""
        self._trusted = None if upstream_authority is None else ssl.create_default_context(cadata=upstream_authority)
        self._writes = 0
        self._fault: Fault = lambda _: None
        self._frozen: Which | None = None
        self._streams: set[Stream] = set()
        self._port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)
        self._over: asyncio.Event
        self._session: aiohttp.ClientSession
        self._handlers: web.Server
        self._tls: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None

    @classmethod
    def before_api_server(cls, kubeconfig: Path) -> FaultProxy:
        """Return a proxy in front of the API server that a kubeconfig names, with its own authority."""
        cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
        known_by = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return cls(cluster["server"], authority=Authority(), upstream_authority=known_by)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'http' if self.authority is None else 'https'}://{HOST}:{self._port}"

    # Faults of single calls

    def fail(self, fault: Fault) -> None:
        """Apply an action to calls from now on. Calls held by an earlier fault continue."""
        self._run(self._set_fault(fault))

    def recover(self) -> None:
        """End the fault: listen, freeze nothing, and continue calls that were held."""
        self._run(self._recover())

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Cause a fault for the duration of the block."""
        self.fail(fault)
        try:
            yield
        finally:
            self.recover()

    # Faults of connections

    def freeze(self, which: Which = every, *, new: bool = True) -> None:
        """Deliver nothing in open watches nor, with `new`, in later ones: they are half open."""
        self._run(self._freeze(which, new=new))

    def cut(self, which: Which = every, *, in_event: bool = False, resets: bool = False) -> int:
        """End the open watches, within an event or with a reset if requested; return how many there were."""
        return self._run(self._cut(which, HALF_AN_EVENT if in_event else b"", resets=resets))

    def inject(self, line: str, which: Which = every) -> None:
        """Sends a line in each of the watches that are open."""
        self._run(self._inject(f"{line}\n".encode(), which))

    def refuse(self) -> None:
        """Abort all connections and refuse new ones."""
        self._run(self._refuse())

    def ignore(self) -> None:
        """Leave new connections to the kernel: they are accepted but never answered."""
        self._run(self._ignore())

    def listen(self) -> None:
        """Listens again, on the same port."""
        self._run(self._listen())

    def move(self) -> None:
        """Move to another port; nothing listens at the old one."""
        self._run(self._move())

    def abort(self) -> None:
        """Abort all connections; accept new ones."""
        self._run(self._abort())

    def show_certificate_of(self, authority: Authority) -> None:
        """Show a new certificate of that authority in every new connection."""
        self._run(self._show_certificate_of(authority))

    # The record

    @property
    def open_streams(self) -> int:
        """How many watches are open."""
        return len(self._streams)

    def mark(self) -> int:
        """Return this moment as a position in `calls`."""
        return len(self.calls)

    def count(self, which: Which, start: int = 0) -> int:
        """Return how many such calls there were since that position."""
        return sum(which(call) for call in self.calls[start:])

    def rate(self, since: float, until: float | None = None, which: Which = every) -> Rate:
        """Requests per second between two moments of `time.monotonic()`, by default until now."""
        moments = [call.at for call in list(self.calls) if which(call)]
        return rate(moments, since, time.monotonic() if until is None else until)

    def connection_rate(self, since: float, until: float) -> Rate:
        """Connections per second; a client whose TLS fails makes no requests."""
        return rate(list(self.connections), since, until)

    # In the thread of the proxy

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    async def _open(self) -> None:
        self._over = asyncio.Event()
        connector = aiohttp.TCPConnector(limit=0, ssl=True if self._trusted is None else self._trusted)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=2**20,
        )
        self._handlers = web.Server(self._handle, handler_cancellation=True, access_log=None)
        if self.authority is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            await self._show_certificate_of(self.authority)
        await self._listen()

    async def _close(self) -> None:
        await self._recover()
        await self._refuse()
        await self._handlers.shutdown(1)
        await self._session.close()
        await asyncio.sleep(0.05)  # TLS takes leave of the server behind

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        exchange = self._exchange(request, await request.content.read())
        self.calls.append(exchange.call)
        try:
            action = self._fault(exchange.call) or PassOn()
            return await action.perform(exchange)
        except (DroppedError, aiohttp.ClientError, ConnectionError):
            return exchange.reset()
        except Exception as error:  # noqa: BLE001 - told to the test
            self.errors.append(error)
            return exchange.reset()

    def _exchange(self, request: web.BaseRequest, body: bytes) -> Exchange:
        writes = does_write(request.method, request.path)
        self._writes += writes
        headers = request.headers
        call = Call(
            number=len(self.calls) + 1,
            write=self._writes if writes else 0,
            at=time.monotonic(),
            method=request.method,
            path=request.path,
            query=dict(request.query),
            agent=headers.get("User-Agent", ""),
            authorization=headers.get("Authorization", ""),
            body=body,
        )
        return Exchange(call, request, self._session, self.upstream, self._over, self._opened, self._hook, self._sent)

    def _sent(self, call: Call) -> None:
        self.forwarded.add(call.number)

    async def _hook(self, call: Call, phase: Phase) -> None:
        await asyncio.to_thread(self.on_write, call, phase)

    @contextlib.contextmanager
    def _opened(self, stream: Stream) -> Iterator[None]:
        if self._frozen is not None and self._frozen(stream.call):
            stream.flowing.clear()
        self._streams.add(stream)
        try:
            yield
        finally:
            self._streams.discard(stream)

    async def _set_fault(self, fault: Fault) -> None:
        self._fault = fault
        self._over.set()
        self._over = asyncio.Event()

    async def _recover(self) -> None:
        await self._set_fault(lambda _: None)
        self._frozen = None
        for stream in self._streams:
            stream.flowing.set()
        if self._server is None:
            await self._listen()

    async def _freeze(self, which: Which, *, new: bool) -> None:
        self._frozen = which if new else None
        for stream in self._streams:
            if which(stream.call):
                stream.flowing.clear()

    async def _cut(self, which: Which, last: bytes, *, resets: bool) -> int:
        chosen = [stream for stream in self._streams if which(stream.call)]
        for stream in chosen:
            if resets:
                stream.abort()
            else:
                await stream.end(last)
        return len(chosen)

    async def _inject(self, line: bytes, which: Which) -> None:
        for stream in [stream for stream in self._streams if which(stream.call)]:
            with contextlib.suppress(ConnectionError):
                await stream.send(line)

    async def _ignore(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _refuse(self) -> None:
        await self._ignore()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        await self._abort()

    async def _listen(self) -> None:
        if self._socket is None:
            self._socket = socket.create_server((HOST, self._port), backlog=512)
            self._port = self._socket.getsockname()[1]
        if self._server is None:
            # A copy: the server closes its socket, and `ignore` keeps the port.
            self._server = await self._loop.create_server(self._connected, sock=self._socket.dup(), ssl=self._tls)

    def _connected(self) -> asyncio.BaseProtocol:
        self.connections.append(time.monotonic())
        return self._handlers()

    async def _move(self) -> None:
        await self._refuse()
        self._port = 0
        await self._listen()

    async def _abort(self) -> None:
        for connection in self._handlers.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def _show_certificate_of(self, authority: Authority) -> None:
        assert self._tls is not None, "it does not speak TLS"
        pair = authority.server("kube-apiserver", ["localhost", "kubernetes"], [HOST])
        await asyncio.to_thread(_load, self._tls, pair.certificate, pair.key)


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(file.name)


def kubeconfig(
    source: Path, target: Path, server: str, authority: Authority | None = None, *, token: str | None = None
) -> Path:
    """Writes a kubeconfig like `source` with that server, known by that authority; if given, another token.

    Whoever reads it meanwhile finds it whole, as it was or as it is.
    """
    content = yaml.safe_load(source.read_text())
    cluster = content["clusters"][0]["cluster"]
    cluster["server"] = server
    if authority is not None:
        cluster["certificate-authority-data"] = base64.b64encode(authority.certificate.encode()).decode()
    if token is not None:
        content["users"][0]["user"] = {"token": token}
    new = target.with_name(f"{target.name}.new")
    new.touch(mode=0o600)
    new.write_text(yaml.safe_dump(content))
    return new.replace(target)
