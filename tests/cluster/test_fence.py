"""An operator that lost the lead sends no write, not even one that was waiting for its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from local.cluster import ClusterFacts
from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.cache import identity
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import CONFIG_MAPS
from rasa_environments.rasa.transport import fence
from tests.cluster.line import Line, kubeconfig_with


class Leader:
    """Leads until told otherwise."""

    is_leader = True

    def may_write(self) -> bool:
        """As long as it leads."""
        return self.is_leader


@pytest.fixture
def leader() -> Leader:
    """Leads."""
    return Leader()


@pytest.fixture
async def fenced(cluster: ClusterFacts, leader: Leader) -> AsyncIterator[Client]:
    """Return a client that writes only while the leader leads."""
    async with await Client.connect(str(cluster.kubeconfig), may_write=leader.may_write) as client:
        yield client


async def test_who_does_not_lead_any_more_still_reads(fenced: Client, leader: Leader, settings: JsonObject) -> None:
    await fenced.create(CONFIG_MAPS, settings)
    leader.is_leader = False
    key, _ = identity(settings)
    assert (await fenced.get(CONFIG_MAPS, key))["data"] == settings["data"]
    for write in (fenced.create(CONFIG_MAPS, settings), fenced.delete(CONFIG_MAPS, key)):
        with pytest.raises(ApiError, match="does not hold the Lease"):
            await write


async def test_a_write_that_waits_for_its_connection_is_not_sent(
    cluster: ClusterFacts,
    leader: Leader,
    client: Client,
    settings: JsonObject,
    line: Line,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = kubeconfig_with(cluster.kubeconfig, tmp_path_factory.mktemp("far") / "config", server=line.address)
    line.freeze()
    async with await Client.connect(path, may_write=leader.may_write) as far:
        write = asyncio.create_task(far.create(CONFIG_MAPS, settings))
        await asyncio.sleep(0.2)
        leader.is_leader = False
        line.mend()
        with pytest.raises(ApiError, match="does not hold the Lease"):
            await write
    with pytest.raises(ApiError, match="NotFound"):
        await client.get(CONFIG_MAPS, identity(settings)[0])


async def test_a_write_is_not_sent_if_the_lead_is_lost_while_it_is_passed_to_its_connection(
    cluster: ClusterFacts, client: Client, settings: JsonObject
) -> None:
    answers = iter([True, False])
    async with await Client.connect(str(cluster.kubeconfig), may_write=lambda: next(answers)) as fenced:
        with pytest.raises(ApiError, match="does not hold the Lease"):
            await fenced.create(CONFIG_MAPS, settings)

    with pytest.raises(ApiError, match="NotFound"):
        await client.get(CONFIG_MAPS, identity(settings)[0])


async def test_a_model_server_is_only_read(leader: Leader) -> None:
    received: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if line := await reader.readline():
            received.append(line.decode().split()[0])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.release()

    closed = asyncio.Semaphore(0)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(trust_env=False) as http:
        fence(http, leader.may_write)
        await http.put(url)
        leader.is_leader = False
        await http.get(url)
        with pytest.raises(httpx.ConnectError, match="does not hold the Lease"):
            await http.put(url)
        for _ in range(3):
            await closed.acquire()
    assert received == ["PUT", "GET"]
