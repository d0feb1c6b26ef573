"""Environments that are registered through the API, as in Rasa Enterprise 1.0."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rasa_model_server.rasa_x.profiles import PROFILES
from rasa_model_server.settings import Settings
from tests.model_server.conftest import CREDENTIALS, READS, WRITES, ModelServer, running
from tests.model_server.environment_files import environments_file

PRODUCTION = {"name": "production", "url": "http://production:5005", "token": "one"}
DEVELOPMENT = {"name": "development", "url": "https://rasa.example.com/bot", "token": "two"}


pytestmark = pytest.mark.asyncio(loop_scope="module")


def enterprise(directory: Path, file: Path | None = None) -> Settings:
    return Settings(
        storage=str(directory / "models"),
        credentials=CREDENTIALS,
        port=0,
        profile=PROFILES["RasaEnterprise-1.0"],
        environments_file=file,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ModelServer]:
    """One for all tests: each begins with registering what it wants."""
    async with running(enterprise(tmp_path_factory.mktemp("enterprise"))) as started:
        yield started


async def test_environments_are_read_merged_and_written(server: ModelServer) -> None:
    headers = await server.log_in()
    await server.client.put("/api/environments", json=[PRODUCTION], headers=headers)
    there = (await server.client.get("/api/environments", headers=headers)).json()

    answer = await server.client.put("/api/environments", json=[*there, DEVELOPMENT], headers=headers)

    assert (answer.status_code, answer.json()) == (201, [PRODUCTION, DEVELOPMENT])


async def test_environments_outlive_the_server(tmp_path: Path) -> None:
    async with running(enterprise(tmp_path)) as first:
        await first.client.put("/api/environments", json=[DEVELOPMENT], headers=await first.log_in())

    async with running(enterprise(tmp_path)) as second:
        answer = await second.client.get("/api/environments", headers=await second.log_in())

    assert answer.json() == [DEVELOPMENT]


async def test_an_environment_is_removed_by_a_list_without_it(server: ModelServer) -> None:
    headers = await server.log_in()
    await server.client.put("/api/environments", json=[PRODUCTION, DEVELOPMENT], headers=headers)

    await server.client.put("/api/environments", json=[DEVELOPMENT], headers=headers)

    assert (await server.client.get("/api/environments", headers=headers)).json() == [DEVELOPMENT]


async def test_an_api_token_registers_nothing(server: ModelServer) -> None:
    answer = await server.client.put("/api/environments", json=[PRODUCTION], params=WRITES)

    assert (answer.status_code, answer.json()["message"]) == (
        401,
        (
            "an api token (?api_token=) may not read and write environments: "
            "this takes a JWT from /api/auth (Authorization: Bearer)"
        ),
    )


NO_NAME = "use letters, digits, '.', '_' and '-', first a letter, a digit or '_', at most 128 characters"
NO_URL = (
    "is not the base address of a Rasa server: write http:// or https://, a host and perhaps a port, "
    "and no user, password or query"
)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (PRODUCTION, "the environment 'production' is in the list twice"),
        (DEVELOPMENT | {"name": "my bot"}, f"'my bot' is not the name of an environment: {NO_NAME}"),
        (DEVELOPMENT | {"name": "../a"}, f"'../a' is not the name of an environment: {NO_NAME}"),
        (DEVELOPMENT | {"url": "http://host?token=x"}, f"the url of the environment 'development' {NO_URL}"),
        (DEVELOPMENT | {"url": "http://user:secret@host"}, f"the url of the environment 'development' {NO_URL}"),
        (DEVELOPMENT | {"url": "http://host:port"}, f"the url of the environment 'development' {NO_URL}"),
        (
            DEVELOPMENT | {"url": "http://169.254.169.254/latest"},
            (
                "the url of the environment 'development' is refused: "
                "169.254.169.254 is a link-local address, where clouds hand out a machine's credentials"
            ),
        ),
    ],
)
async def test_an_environment_that_the_registry_does_not_take_is_refused_and_nothing_changes(
    server: ModelServer, environment: dict[str, str], message: str
) -> None:
    headers = await server.log_in()
    await server.client.put("/api/environments", json=[PRODUCTION], headers=headers)

    answer = await server.client.put("/api/environments", json=[PRODUCTION, environment], headers=headers)

    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert (await server.client.get("/api/environments", headers=headers)).json() == [PRODUCTION]


async def test_no_request_is_sent_to_a_name_that_stands_for_a_link_local_address(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = _names_of_link_local_addresses(monkeypatch)
    environment = PRODUCTION | {"url": "http://metadata.example:80"}
    await server.client.put("/api/environments", json=[environment], headers=await server.log_in())

    answer = await server.client.get("/api/health", params=READS)

    assert answer.json() == {
        "production": {
            "message": (
                "no request is sent to it: metadata.example is 169.254.169.254, a link-local address, where clouds "
                "hand out a machine's credentials"
            ),
            "status": 500,
        }
    }
    assert looked_up == ["metadata.example"]


def _names_of_link_local_addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let `metadata.example` stand for a link-local address. Return a list of how often it was looked up."""
    real = socket.getaddrinfo
    looked_up: list[str] = []

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        if host != "metadata.example":
            return real(host, *arguments, **options)  # type: ignore[arg-type]
        if options.get("flags") == socket.AI_NUMERICHOST or socket.AI_NUMERICHOST in arguments[3:]:
            raise socket.gaierror
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked_up


async def test_until_something_is_registered_the_environments_are_those_of_the_file(tmp_path: Path) -> None:
    file = environments_file(tmp_path, production=("http://p:5005", "one"), worker=("http://w:5005", "two"))

    async with running(enterprise(tmp_path, file)) as server:
        headers = await server.log_in()
        before = (await server.client.get("/api/environments", headers=headers)).json()
        await server.client.put("/api/environments", json=[], headers=headers)
        after = (await server.client.get("/api/environments", headers=headers)).json()

    assert ([found["name"] for found in before], after) == (["production", "worker"], [])
