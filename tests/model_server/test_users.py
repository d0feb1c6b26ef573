"""Users who may promote to some environments only, as in Rasa X: `environments.<name>.write`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from rasa_model_server.credentials import Credentials, Secret
from rasa_model_server.rasa_x.profiles import PROFILES
from rasa_model_server.settings import Settings, SettingsError, users_of
from tests.model_server.archives import model_file
from tests.model_server.conftest import CREDENTIALS, MODELS, ModelServer, running

USERS = """
users:
- username: ann
  password: anns-password
  api_token: anns-api-token
  permissions: [environments.experimental.write]
- username: bob
  api_token: bobs-api-token
"""
ANN = {"api_token": "anns-api-token"}
BOB = {"api_token": "bobs-api-token"}


pytestmark = pytest.mark.asyncio(loop_scope="module")


def with_users(directory: Path, users: str = USERS) -> Settings:
    file = directory / "users.yml"
    file.write_text(users)
    return Settings(
        storage=str(directory / "models"),
        credentials=replace(CREDENTIALS, jwt_secret=Secret("k" * 32)),
        port=0,
        profile=PROFILES["RasaEnterprise-1.0"],
        users_file=file,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ModelServer]:
    """One for all tests, with a model called a. Each test looks at tags of its own."""
    async with running(with_users(tmp_path_factory.mktemp("users"))) as started:
        await started.upload("a")
        yield started


async def log_in(server: ModelServer, username: str, password: str) -> dict[str, str]:
    answer = await server.client.post("/api/auth", json={"username": username, "password": password})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_a_user_promotes_to_the_environments_that_they_may(server: ModelServer) -> None:
    by_api_token = await server.client.put(f"{MODELS}/a/tags/experimental", params=ANN)
    by_login = await server.client.delete(
        f"{MODELS}/a/tags/experimental", headers=await log_in(server, "ann", "anns-password")
    )

    assert (by_api_token.status_code, by_login.status_code) == (204, 204)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_refused_promotion_says_who_lacks_what_on_which_environment(server: ModelServer, method: str) -> None:
    await server.put_tag("a", "production")

    answer = await server.client.request(method, f"{MODELS}/a/tags/production", params=ANN)

    assert (answer.status_code, answer.json()["message"]) == (
        403,
        (
            "the user 'ann' lacks environments.production.write, which moving the tag 'production' takes: "
            "ask an admin for it"
        ),
    )
    assert "production" in (await server.tags())["a"]


async def test_the_admin_promotes_to_everything(server: ModelServer) -> None:
    by_login = await server.client.put(f"{MODELS}/a/tags/worker", headers=await server.log_in())

    assert (await server.put_tag("a", "production")).status_code == 204
    assert by_login.status_code == 204


async def test_a_user_lists_and_uploads_but_deletes_no_model(server: ModelServer) -> None:
    listed = await server.client.get(MODELS, params=BOB)
    uploaded = await server.client.post(MODELS, params=BOB, files={"model": ("b.tar.gz", model_file("b"))})
    deleted = await server.client.delete(f"{MODELS}/a", params=BOB)

    assert (listed.status_code, uploaded.status_code, deleted.status_code) == (200, 201, 403)
    assert deleted.json()["message"] == "the user 'bob' is no admin, and this takes one"


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_user_who_is_no_admin_sees_no_tokens_of_environments_and_registers_none(
    server: ModelServer, method: str
) -> None:
    headers = await log_in(server, "ann", "anns-password")

    answer = await server.client.request(method, "/api/environments", headers=headers, json=[])

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("username", "password"), [("ann", "wrong"), ("bob", ""), ("eve", "anns-password"), ("ann", "")]
)
async def test_a_wrong_password_or_none_logs_nobody_in(server: ModelServer, username: str, password: str) -> None:
    answer = await server.client.post("/api/auth", json={"username": username, "password": password})

    assert answer.status_code == 401


async def test_a_login_of_a_user_who_is_gone_promotes_no_more(tmp_path: Path) -> None:
    async with running(with_users(tmp_path)) as before:
        await before.upload("a")
        headers = await log_in(before, "ann", "anns-password")

    async with running(with_users(tmp_path, "users: []")) as after:
        promoted = await after.client.put(f"{MODELS}/a/tags/experimental", headers=headers)
        listed = await after.client.get(MODELS, headers=headers)

    assert (promoted.status_code, listed.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("users: [{username: ann, password: 'secret", "it is not YAML at line 1"),
        (
            "- ann",
            (
                "it is wrong at its top, where `users:` belongs: "
                "Input should be a valid dictionary or instance of UsersFile"
            ),
        ),
        ("users: [{password: secret}]", "it is wrong at users.0.username: Field required"),
        (
            "users: [{username: ann, passwort: secret}]",
            "it is wrong at users.0.passwort: Extra inputs are not permitted",
        ),
        ("users: [{username: ann}, {username: ann}]", "it has the user 'ann' twice"),
    ],
)
async def test_users_that_cannot_be_used_are_refused_without_their_passwords(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "users.yml"
    file.write_text(content)

    with pytest.raises(SettingsError) as refused:
        users_of(Settings(storage="memory://", credentials=Credentials(), users_file=file))

    assert str(refused.value) == f"--users-file {file}: {message}"
