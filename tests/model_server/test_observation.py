"""Log, metrics and health."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_lines.lines import JsonLines
from rasa_model_server import __version__
from rasa_model_server.settings import Settings
from rasa_model_server.storage import Catalogue, TaggedModel
from rasa_model_server.web.observation import redacted
from tests.model_server.archives import model_file
from tests.model_server.conftest import API_TOKEN, MODELS, PASSWORD, SERVICE_TOKEN, ModelServer, running


async def test_the_access_log_has_each_request_and_no_secret(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await server.upload("a")
    await server.listed(tag="production", limit="5")
    login = await server.log_in()
    await server.client.get(f"{MODELS}?{SERVICE_TOKEN}", headers=login)
    caplog.handler.setFormatter(JsonLines())
    lines = [caplog.handler.format(record) for record in caplog.records if record.name == "rasa_model_server.access"]

    assert [json.loads(line)["message"] for line in lines] == [
        f"POST {MODELS}?api_token=... 201",
        f"GET {MODELS}?token=...&tag=production&limit=5 200",
        "POST /api/auth 200",
        f"GET {MODELS}?... 200",
    ]
    assert json.loads(lines[0])["received_bytes"] > len(model_file("a"))
    for secret in (SERVICE_TOKEN, API_TOKEN, PASSWORD, login["Authorization"].removeprefix("Bearer ")):
        assert not any(secret in line for line in lines)


@given(
    st.text("0123456789abcdef", min_size=8), st.sampled_from(["token={}", "api_token={}&limit=5", "x={}", "{}", "{}=x"])
)
def test_no_parameter_but_the_harmless_ones_is_shown(secret: str, query: str) -> None:
    assert secret not in redacted("/path", query.format(secret))


@given(st.text(), st.text())
def test_a_line_of_the_log_stays_one_line(path: str, query: str) -> None:
    assert len(redacted(f"/{path}", f"tag={query}").splitlines()) == 1


async def test_metrics_count_requests_by_the_template_of_their_path(server: ModelServer) -> None:
    await server.upload("a")
    await server.put_tag("a", "production")
    await server.pull("production")
    await server.pull("staging")
    await server.client.get("/no/such/path")

    metrics = (await server.client.get("/metrics")).text.splitlines()

    tag = "/api/projects/{project}/models/tags/{tag}"
    assert f'rasa_model_server_requests_total{{method="GET",route="{tag}",status="200"}} 1.0' in metrics
    assert f'rasa_model_server_requests_total{{method="GET",route="{tag}",status="404"}} 1.0' in metrics
    assert 'rasa_model_server_requests_total{method="GET",route="(unknown)",status="404"} 1.0' in metrics
    assert "rasa_model_server_models 1.0" in metrics
    assert "rasa_model_server_tags 1.0" in metrics


async def test_metrics_count_the_bytes_that_came_and_went(server: ModelServer) -> None:
    content = model_file("a")
    await server.upload("a", content)
    await server.client.get(f"{MODELS}/a", params={"token": SERVICE_TOKEN})

    metrics = (await server.client.get("/metrics")).text.splitlines()
    counted = dict(line.rsplit(" ", 1) for line in metrics if not line.startswith("#"))

    assert float(counted['rasa_model_server_received_bytes_total{route="/api/projects/{project}/models"}']) > len(
        content
    )
    sent = 'rasa_model_server_sent_bytes_total{route="/api/projects/{project}/models/{model}"}'
    assert float(counted[sent]) == len(content)


async def test_the_models_are_counted_once_for_many_who_ask(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = 0
    count = Catalogue.models

    async def counting(catalogue: Catalogue) -> list[TaggedModel]:
        nonlocal counted
        counted += 1
        return await count(catalogue)

    monkeypatch.setattr(Catalogue, "models", counting)
    await asyncio.gather(*(server.client.get("/metrics") for _ in range(10)))

    assert counted == 1


@pytest.mark.parametrize("path", ["/health", "/api/health"])
async def test_health_has_the_form_of_rasa_xs(server: ModelServer, path: str) -> None:
    answer = await server.client.get(path)

    assert answer.json() == {"rasa-model-server": {"version": __version__, "status": 200}}


@pytest.mark.parametrize("path", ["/version", "/api/version"])
async def test_the_version_is_told(server: ModelServer, path: str) -> None:
    assert (await server.client.get(path)).json() == {"version": __version__, "rasa": {}, "enterprise": False}


async def test_a_store_that_fails_makes_the_server_unready_but_not_dead(settings: Settings) -> None:
    async with running(settings) as server:
        await server.upload("a")
        shutil.rmtree(server.directory)
        server.directory.write_text("in the way of the directory")
        ready, live = await server.client.get("/readyz"), await server.client.get("/healthz")
        listed, metrics = await server.listed(), await server.client.get("/metrics")

    assert (ready.status_code, live.status_code) == (503, 200)
    assert ready.json()["message"] == "the object store failed: the log of this server says how"
    assert (listed.status_code, metrics.status_code) == (503, 200)
    assert "rasa_model_server_models NaN" in metrics.text.splitlines()


async def test_a_path_that_there_is_not_says_where_to_look(server: ModelServer) -> None:
    answer = await server.client.get("/nothing")

    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "there is nothing at this path: /openapi.json lists what there is",
    )


async def test_another_project_can_be_served(settings: Settings) -> None:
    async with running(replace(settings, project="bank")) as server:
        answer = await server.client.get("/api/projects/bank/models", params={"token": SERVICE_TOKEN})

    assert answer.json() == []
