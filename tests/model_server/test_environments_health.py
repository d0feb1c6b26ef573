"""/api/health and /api/version of Rasa X, which ask the environments' own servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rasa_model_server.profiles import PROFILES
from rasa_model_server.settings import Settings
from tests.model_server.conftest import running
from tests.model_server.environment_files import environments_file
from tests.model_server.small_rasa import SmallRasa, answering, html, redirect, running_rasa, running_routes

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def rasa_x(settings: Settings) -> Settings:
    return replace(settings, profile=PROFILES["RasaX-0.32"])


async def test_each_environment_says_which_rasa_it_is(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa(SmallRasa(version="3.6.21", minimum="3.6.21")) as rasa:
        file = environments_file(tmp_path, production=(rasa.url, rasa.token), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health")).json()
            version = (await server.client.get("/api/version")).json()

    assert health == {
        "production": {"version": "3.6.21", "minimum_compatible_version": "3.6.21", "status": 200},
        "worker": {"message": "it cannot be reached (no connection)", "status": 500},
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
            health = (await server.client.get("/api/health")).json()

    assert [found["status"] for found in health.values()] == [200, 200]


async def test_a_slow_environment_is_not_waited_for(
    rasa_x: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasa_model_server.environments.servers.LOOK_SECONDS", 0.2)
    over = asyncio.Event()

    async def slow(_: Request) -> Response:
        await over.wait()
        return JSONResponse({"version": "3.6.21"})

    async with running_routes(answering(slow)) as url:
        file = environments_file(tmp_path, production=(url, "x"), worker=(NOWHERE, "x"))
        async with running(replace(rasa_x, environments_file=file)) as server:
            health = (await server.client.get("/api/health")).json()
        over.set()

    assert health["production"] == {"message": "it did not answer within 0.2 seconds", "status": 500}


async def test_what_is_no_rasa_is_said(rasa_x: Settings, tmp_path: Path) -> None:
    async with running_rasa() as rasa, running_routes(answering(html)) as page:
        elsewhere = redirect(f"{rasa.url}/version")
        async with running_routes(answering(elsewhere)) as moved:
            file = environments_file(tmp_path, production=(page, "x"), worker=(moved, "x"))
            async with running(replace(rasa_x, environments_file=file)) as server:
                health = (await server.client.get("/api/health")).json()

    assert health["production"]["message"] == "it does not answer as a Rasa server does"
    # What is registered is asked, and nothing that it points to.
    assert health["worker"]["message"].startswith("it answers 307")
    assert rasa.asked == []
