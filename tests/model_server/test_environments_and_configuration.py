"""What Rasa X keeps besides models: registered environments, and the configuration that `rasa x` fetches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rasa_model_server.settings import Settings
from tests.model_server.conftest import READS, ModelServer, running

PRODUCTION = {"name": "production", "url": "http://production:5005", "token": "one"}
STAGING = {"name": "staging", "url": "https://staging:5005", "token": "two"}


async def test_there_are_no_environments_at_first(server: ModelServer) -> None:
    answer = await server.client.get("/api/environments", headers=await server.log_in())

    assert (answer.status_code, answer.json()) == (200, [])


async def test_environments_are_replaced_together(server: ModelServer) -> None:
    headers = await server.log_in()
    await server.client.put("/api/environments", json=[PRODUCTION, STAGING], headers=headers)

    answer = await server.client.put("/api/environments", json=[STAGING], headers=headers)

    assert (answer.status_code, answer.json()) == (201, [STAGING])
    assert (await server.client.get("/api/environments", headers=headers)).json() == [STAGING]


async def test_environments_are_the_same_for_every_replica(server: ModelServer, settings: Settings) -> None:
    await server.client.put("/api/environments", json=[PRODUCTION], headers=await server.log_in())

    async with running(settings) as replica:
        answer = await replica.client.get("/api/environments", headers=await replica.log_in())

    assert answer.json() == [PRODUCTION]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "the body is wrong: Input should be a valid array"),
        ([{"name": "a"}], "the body is wrong at 0.url: Field required"),
        (
            [PRODUCTION | {"url": "production"}],
            "the body is wrong at 0.url: String should match pattern '^https?://[^/\\s]+'",
        ),
        ([PRODUCTION, PRODUCTION], "the environment 'production' is in the list twice"),
    ],
)
async def test_a_list_of_environments_that_is_none_is_refused(server: ModelServer, body: object, message: str) -> None:
    answer = await server.client.put("/api/environments", json=body, headers=await server.log_in())

    assert (answer.status_code, answer.json()["message"]) == (400, message)


async def test_a_body_that_never_ends_is_refused(server: ModelServer) -> None:
    answer = await server.client.put("/api/environments", content=b" " * 2_000_000, headers=await server.log_in())

    assert (answer.status_code, answer.json()["message"]) == (413, "the body is larger than 1 MiB")


async def test_the_configuration_is_empty_where_none_was_given(server: ModelServer) -> None:
    answer = await server.client.get("/api/config", params=READS)

    assert answer.json() == {"endpoints": "", "credentials": ""}


async def test_the_configuration_is_answered_as_the_files_are_now_with_variables_unexpanded(
    settings: Settings, tmp_path: Path
) -> None:
    endpoints, credentials = tmp_path / "endpoints.yml", tmp_path / "credentials.yml"
    endpoints.write_text("before")
    credentials.write_text("rest:\n")

    async with running(replace(settings, endpoints_file=endpoints, credentials_file=credentials)) as server:
        endpoints.write_text("models: {token: ${RASA_X_TOKEN}}\n")
        answer = await server.client.get("/api/config", params=READS)

    assert answer.json() == {"endpoints": "models: {token: ${RASA_X_TOKEN}}\n", "credentials": "rest:\n"}
