"""/api/health and /api/version of Rasa X, which ask the environments' own servers."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rasa_model_server.rasa_x.profiles import PROFILES
from rasa_model_server.rasa_x.versions import AT_ONCE
from rasa_model_server.settings import Settings
from tests.model_server.conftest import READS, running
from tests.model_server.environment_files import environments_file
from tests.model_server.small_rasa import SmallRasa, answering, html, redirect, running_rasa, running_routes
from tests.outbound_http.raw_server import Connection, answer, listening, repeating, saying

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def rasa_x(settings: Settings) -> Settings:
    return replace(settings, profile=PROFILES["RasaX-0.32"])


async def test_each_environment_says_which_rasa_it_is(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa(SmallRasa(version="3.6.21", minimum="3.6.21")) as rasa:
        file = environments_file(tmp_path, production=(rasa.url, rasa.token), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health", params=READS)).json()
            version = (await server.client.get("/api/version", params=READS)).json()

    assert health == {
        "production": {"version": "3.6.21", "minimum_compatible_version": "3.6.21", "status": 200},
        "worker": {"message": "it cannot be reached", "status": 500},
    }
    assert version == {"rasa": {"production": "3.6.21", "worker": "0.0.0"}, "rasa-x": "0.32.0", "enterprise": False}


async def test_environments_are_asked_at_the_same_time(rasa_x: Settings, tmp_path: Path) -> None:
    both_asked = asyncio.Barrier(2)

    async def after_both(_: Request) -> Response:
        await both_asked.wait()
        return JSONResponse({"version": "3.6.21"})

    async with running_routes(answering(after_both)) as url:
        file = environments_file(tmp_path, production=(url, "x"), worker=(url, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health", params=READS)).json()

    assert [found["status"] for found in health.values()] == [200, 200]


async def test_a_slow_environment_is_not_waited_for(
    rasa_x: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasa_model_server.rasa_x.servers.LOOK_SECONDS", 0.2)
    over = asyncio.Event()

    async def slow(_: Request) -> Response:
        await over.wait()
        return JSONResponse({"version": "3.6.21"})

    async with running_routes(answering(slow)) as url:
        file = environments_file(tmp_path, production=(url, "x"), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health", params=READS)).json()
        over.set()

    assert health["production"] == {"message": "it cannot be reached", "status": 500}


async def test_what_is_no_rasa_is_said(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa() as rasa, running_routes(answering(html)) as page:
        elsewhere = redirect(f"{rasa.url}/version")
        async with running_routes(answering(elsewhere)) as moved:
            file = environments_file(tmp_path, production=(page, "x"), worker=(moved, "x"))
            async with running(replace(rasa_x, environments_file=file)) as server:
                health = (await server.client.get("/api/health", params=READS)).json()

    assert health["production"]["message"] == "it does not answer as a Rasa server does"
    # What is registered is asked, and nothing that it points to.
    assert health["worker"]["message"] == f"it redirects to {rasa.url}: register the address where it lives"
    assert rasa.asked == []


async def test_nobody_is_asked_for_a_caller_without_credentials(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa(SmallRasa(version="3.6.21")) as rasa:
        file = environments_file(tmp_path, production=(rasa.url, rasa.token), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            for credentials in ({}, {"token": "wrong"}, {"api_token": "wrong"}):
                health = await server.client.get("/api/health", params=credentials)
                version = await server.client.get("/api/version", params=credentials)

    assert rasa.asked == []
    assert (health.status_code, version.status_code) == (200, 200)
    assert health.json()["production"]["message"].startswith("not asked yet: ")
    assert version.json()["rasa"] == {"production": "0.0.0", "worker": "0.0.0"}


async def test_a_caller_without_credentials_gets_what_was_answered_last(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa(SmallRasa(version="3.6.21")) as rasa:
        file = environments_file(tmp_path, production=(rasa.url, rasa.token), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            asked = (await server.client.get("/api/health", params=READS)).json()
            remembered = (await server.client.get("/api/health")).json()

    assert remembered == asked
    assert remembered["production"]["status"] == 200
    assert rasa.asked == ["/version"]


async def test_those_who_ask_at_the_same_time_share_the_answers(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa() as rasa:
        file = environments_file(tmp_path, production=(rasa.url, rasa.token), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            paths = ["/api/health", "/api/version"] * 10
            await asyncio.gather(*(server.client.get(path, params=READS) for path in paths))

    assert rasa.asked == ["/version"]


async def test_few_environments_are_asked_at_once(rasa_x: Settings, tmp_path: Path) -> None:
    now, most = 0, 0

    async def count(_: Request) -> Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return JSONResponse({"version": "3.6.21"})

    async with running_routes(answering(count)) as url:
        names = ("production", "worker", *(f"e{number}" for number in range(40)))
        file = environments_file(tmp_path, **dict.fromkeys(names, (url, "x")))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health", params=READS)).json()

    assert {found["status"] for found in health.values()} == {200}
    assert most <= AT_ONCE


async def test_the_token_of_an_environment_is_not_sent_for_its_version(rasa_x: Settings, tmp_path: Path) -> None:
    queries = []

    async def note(request: Request) -> Response:
        queries.append(dict(request.query_params))
        return JSONResponse({"version": "3.6.21"})

    async with running_routes(answering(note)) as url:
        file = environments_file(tmp_path, production=(url, "secret"), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            await server.client.get("/api/health", params=READS)

    assert queries == [{}]


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (saying(answer(gzip.compress(b" " * 10_000_000), "Content-Encoding: gzip")), "it compresses its answer"),
        (repeating(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 10_000), "it answers with more than is read"),
        (saying(answer(b"[" * 60_000)), "it does not answer as a Rasa server does"),
        (saying(answer(b'{"version": "the password is hunter2"}')), "it does not answer as a Rasa server does"),
        (saying(answer(b"hunter2", status="500 Oh")), "it answers 500: its log says why"),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "it cannot be reached"),
    ],
    ids=["compressed", "endless", "nested", "another version", "refusal", "another protocol"],
)
async def test_a_hostile_environment_costs_little_and_tells_nothing(
    rasa_x: Settings, tmp_path: Path, connection: Connection, said: str
) -> None:
    async with listening(connection) as port:
        file = environments_file(tmp_path, production=(f"http://127.0.0.1:{port}", "x"), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health", params=READS)).json()

    assert health["production"]["message"].startswith(said)
    assert "hunter2" not in str(health)


async def test_in_a_cluster_no_environment_is_asked_on_loopback(
    rasa_x: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    async with running_rasa() as rasa:
        file = environments_file(tmp_path, production=(rasa.url, rasa.token), worker=(NOWHERE, "x"))
        in_cluster = replace(rasa_x, environments_file=file)
        async with running(in_cluster) as server:
            refused = (await server.client.get("/api/health", params=READS)).json()["production"]
        async with running(replace(in_cluster, allow_loopback=True)) as server:
            allowed = (await server.client.get("/api/health", params=READS)).json()["production"]

    assert "a loopback address, which leads to the program that asks" in refused["message"]
    assert allowed["status"] == 200
