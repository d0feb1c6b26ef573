"""Proxies to the API server: the same ones that kubectl would use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml

from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.cluster.proxies import proxy_for, usable
from rasa_environments.cluster.resources import SELF_SUBJECT_REVIEWS

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

PROXY = "http://proxy.example:3128"
SERVER = "https://10.1.2.3:6443"


@dataclass
class Proxy:
    """An HTTP proxy that always connects to the API server."""

    address: str
    asked: list[str] = field(default_factory=list)
    """The first line and the credentials of each request."""
    answer: str = "200 OK"


@asynccontextmanager
async def proxy_to(server: str) -> AsyncIterator[Proxy]:
    """A proxy of its own port."""
    target = urlsplit(server)
    tasks: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        finally:
            sink.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        sent = [line for line in head if line.lower().startswith("proxy-authorization")]
        proxy.asked.append(" ".join([head[0], *sent]))
        writer.write(f"HTTP/1.1 {proxy.answer}\r\n\r\n".encode())
        if not proxy.answer.startswith("200"):
            writer.close()
            return
        there, back = await asyncio.open_connection(target.hostname, target.port)
        tasks.update({asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))})

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = Proxy(f"127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    async with listener:
        yield proxy
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def distant_kubeconfig(cluster: ClusterFacts, folder: Path, **words: str) -> str:
    """Return a kubeconfig whose server name only the proxy can resolve."""
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    described = content["clusters"][0]["cluster"]
    described.update({"server": "https://api.example:6443", "tls-server-name": urlsplit(cluster.server).hostname})
    described.update(words)
    path = folder / "config"
    path.write_text(yaml.safe_dump(content))
    return str(path)


async def test_the_proxy_of_the_environment_is_used(
    cluster: ClusterFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy_to(cluster.server) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://pam:secret@{proxy.address}")
        async with await Client.connect(distant_kubeconfig(cluster, tmp_path)) as client:
            assert await client.review(SELF_SUBJECT_REVIEWS)

    assert proxy.asked == ["CONNECT api.example:6443 HTTP/1.1 Proxy-Authorization: Basic cGFtOnNlY3JldA=="]


async def test_the_proxy_of_the_kubeconfig_goes_before_that_of_the_environment(
    cluster: ClusterFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with proxy_to(cluster.server) as proxy:
        path = distant_kubeconfig(cluster, tmp_path, **{"proxy-url": f"http://{proxy.address}"})
        async with await Client.connect(path) as client:
            assert await client.review(SELF_SUBJECT_REVIEWS)

    assert proxy.asked == ["CONNECT api.example:6443 HTTP/1.1"]


async def test_what_a_proxy_refuses_is_reported_without_its_password(
    cluster: ClusterFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy_to(cluster.server) as proxy:
        proxy.answer = "407 Proxy Authentication Required"
        monkeypatch.setenv("HTTPS_PROXY", f"http://pam:secret@{proxy.address}")
        async with await Client.connect(distant_kubeconfig(cluster, tmp_path)) as client:
            with pytest.raises(ApiError, match="407") as caught:
                await client.review(SELF_SUBJECT_REVIEWS)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["socks5://pam:secret@127.0.0.1:1080", "http:///none"])
async def test_a_proxy_that_cannot_be_used_is_reported_at_the_start(
    cluster: ClusterFacts, tmp_path: Path, proxy: str
) -> None:
    with pytest.raises(ConfigurationError, match="set an http:// or https:// proxy") as caught:
        await Client.connect(distant_kubeconfig(cluster, tmp_path, **{"proxy-url": proxy}))

    assert "secret" not in str(caught.value)


def test_https_has_a_proxy_of_its_own() -> None:
    environment = {"HTTPS_PROXY": PROXY, "HTTP_PROXY": "http://other.example:80"}

    assert proxy_for(SERVER, environment) == PROXY
    assert proxy_for("http://10.1.2.3:8080", environment) == "http://other.example:80"
    assert proxy_for(SERVER, {"HTTP_PROXY": PROXY}) is None


def test_capital_letters_go_first_and_a_bare_address_is_http() -> None:
    assert proxy_for(SERVER, {"HTTPS_PROXY": PROXY, "https_proxy": "http://other.example"}) == PROXY
    assert proxy_for(SERVER, {"https_proxy": "proxy.example:3128"}) == usable(PROXY)


@pytest.mark.parametrize("server", ["https://localhost:6443", "https://127.0.0.1:6443", "https://[::1]:6443"])
def test_what_is_on_this_machine_is_asked_directly(server: str) -> None:
    assert proxy_for(server, {"HTTPS_PROXY": PROXY}) is None


@pytest.mark.parametrize(
    ("server", "exceptions", "direct"),
    [
        (SERVER, "10.0.0.0/8", True),
        (SERVER, "192.168.0.0/16, 10.1.2.3", True),
        (SERVER, "10.1.2.3:6443", True),
        (SERVER, "10.1.2.3:443", False),
        (SERVER, "10.1.2", False),
        (SERVER, "*", True),
        (SERVER, "not/a/network", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", True),
        ("https://api.example", "example", True),
        ("https://api.example", ".example", True),
        ("https://api.example", "*.example", True),
        ("https://api.example", "api.example:443", True),
        ("https://api.example", "pi.example", False),
        ("https://example", ".example", False),
        ("https://api.example", "API.EXAMPLE", True),
        ("https://api.example", "", False),
    ],
)
def test_no_proxy_has_names_addresses_networks_and_ports(server: str, exceptions: str, direct: bool) -> None:
    found = proxy_for(server, {"HTTPS_PROXY": PROXY, "NO_PROXY": exceptions})

    assert found == (None if direct else PROXY)
