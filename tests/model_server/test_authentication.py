"""Who may do what, as in Rasa X: the service token reads, an api token and a login also write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from rasa_model_server import __version__
from rasa_model_server.credentials import Credentials, Secret
from rasa_model_server.settings import Settings
from tests.model_server.archives import model_file
from tests.model_server.conftest import API_TOKEN, MODELS, READS, SERVICE_TOKEN, USERNAME, WRITES, ModelServer, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ_CALLS = [("GET", MODELS), ("GET", f"{MODELS}/a"), ("HEAD", f"{MODELS}/tags/t"), ("GET", "/api/models/tags/t")]
WRITE_CALLS = [
    ("POST", MODELS),
    ("DELETE", f"{MODELS}/a"),
    ("PUT", f"{MODELS}/a/tags/t"),
    ("DELETE", f"{MODELS}/a/tags/t"),
]
ENVIRONMENT_CALLS = [("GET", "/api/environments"), ("PUT", "/api/environments")]
CONFIGURATION_CALLS = [("GET", "/api/config")]
OPEN_CALLS = [
    ("GET", path)
    for path in (
        "/api/health",
        "/health",
        "/api/version",
        "/version",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    )
]
CLOSED_CALLS = READ_CALLS + WRITE_CALLS + ENVIRONMENT_CALLS + CONFIGURATION_CALLS


@pytest.mark.parametrize(("method", "path"), CLOSED_CALLS)
async def test_nothing_is_open_without_credentials(shared_server: ModelServer, method: str, path: str) -> None:
    answer = await shared_server.client.request(method, path)

    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path"), OPEN_CALLS)
async def test_health_version_metrics_and_the_document_are_open(
    shared_server: ModelServer, method: str, path: str
) -> None:
    assert (await shared_server.client.request(method, path)).status_code == 200


@pytest.mark.parametrize(
    ("credential", "opened", "closed"),
    [
        ("token", READ_CALLS + CONFIGURATION_CALLS, WRITE_CALLS + ENVIRONMENT_CALLS),
        ("api_token", READ_CALLS + WRITE_CALLS, ENVIRONMENT_CALLS + CONFIGURATION_CALLS),
        ("login", READ_CALLS + WRITE_CALLS + ENVIRONMENT_CALLS, CONFIGURATION_CALLS),
    ],
)
async def test_each_credential_opens_what_it_opens_in_rasa_x(
    shared_server: ModelServer, credential: str, opened: list[tuple[str, str]], closed: list[tuple[str, str]]
) -> None:
    query = {"token": READS, "api_token": WRITES, "login": {}}[credential]
    headers = await shared_server.log_in() if credential == "login" else {}

    async def status(method: str, path: str) -> int:
        return (await shared_server.client.request(method, path, params=query, headers=headers)).status_code

    assert {call: await status(*call) in (401, 403) for call in opened} == dict.fromkeys(opened, False)
    assert {call: await status(*call) for call in closed} == dict.fromkeys(closed, 403)


@pytest.mark.parametrize(
    ("header", "token", "accepted"),
    [
        ("X-Rasa-Token", SERVICE_TOKEN, READ_CALLS),
        ("X-Rasa-Api-Token", API_TOKEN, READ_CALLS + WRITE_CALLS),
    ],
)
async def test_a_token_in_a_header_opens_what_it_opens_in_the_query(
    shared_server: ModelServer, header: str, token: str, accepted: list[tuple[str, str]]
) -> None:
    async def status(method: str, path: str, token: str) -> int:
        return (await shared_server.client.request(method, path, headers={header: token})).status_code

    assert {call: await status(*call, token) in (401, 403) for call in accepted} == dict.fromkeys(accepted, False)
    assert {call: await status(*call, "another") for call in accepted} == dict.fromkeys(accepted, 401)


async def test_a_refusal_has_the_form_of_rasas_own(shared_server: ModelServer) -> None:
    answer = await shared_server.client.get(MODELS, params={"token": "wrong"})

    assert answer.status_code == 401
    assert answer.json() == {
        "version": __version__,
        "status": "failure",
        "message": "the service token (?token=) is not one that this server accepts (any more)",
        "reason": "NotAuthenticated",
        "details": {},
        "help": None,
        "code": 401,
    }


WRITE_TAKES = "this takes an api token (?api_token=) or a JWT from /api/auth (Authorization: Bearer)"
WRONG_API_TOKEN = "an api token (?api_token=) is not one that this server accepts (any more)"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, f"no credentials were sent: {WRITE_TAKES}"),
        ({"token": SERVICE_TOKEN}, f"the service token (?token=) may not write models and tags: {WRITE_TAKES}"),
        ({"api_token": "wrong"}, WRONG_API_TOKEN),
        ({"api_token": ""}, WRONG_API_TOKEN),
        ({"api_token": "\udcff"}, WRONG_API_TOKEN),
        ({"api_token": SERVICE_TOKEN}, WRONG_API_TOKEN),
    ],
)
async def test_a_refusal_says_what_would_do(shared_server: ModelServer, query: dict[str, str], message: str) -> None:
    encoded = "&".join(f"{name}={value}" for name, value in query.items()).encode("utf-8", "surrogateescape")

    answer = await shared_server.client.put(f"{MODELS}/a/tags/t?{encoded.decode('latin-1')}")

    assert answer.json()["message"] == message


async def test_a_wrong_password_is_refused(shared_server: ModelServer) -> None:
    answer = await shared_server.client.post("/api/auth", json={"username": USERNAME, "password": "wrong"})

    assert answer.status_code == 401
    assert answer.json()["message"] == "the username or the password is wrong"


async def test_a_login_that_is_no_login_is_refused(shared_server: ModelServer) -> None:
    answer = await shared_server.client.post("/api/auth", json={"username": USERNAME})

    assert answer.status_code == 400
    assert answer.json()["message"] == "the body is wrong at password: Field required"


async def test_a_jwt_that_the_server_did_not_sign_is_refused(settings: Settings) -> None:
    key = "k" * 32
    credentials = replace(settings.credentials, jwt_secret=Secret(key))
    claims = {"user": {"username": USERNAME, "roles": ["admin"]}, "exp": datetime.now(UTC) + timedelta(minutes=5)}
    tokens = {
        "signed with the shared secret": jwt.encode(claims, key, "HS256"),
        "unsigned": jwt.encode(claims, "", "none"),
        "signed by another": jwt.encode(claims, "x" * 32, "HS256"),
        "nonsense": "nonsense",
    }

    async with running(replace(settings, credentials=credentials)) as server:
        statuses = {kind: await status_of_login(server, token) for kind, token in tokens.items()}

    assert statuses == dict.fromkeys(tokens, 401)


async def status_of_login(server: ModelServer, token: str) -> int:
    return (await server.client.get(MODELS, headers={"Authorization": f"Bearer {token}"})).status_code


async def test_replicas_with_one_jwt_secret_accept_each_others_logins(settings: Settings) -> None:
    shared = replace(settings, credentials=replace(settings.credentials, jwt_secret=Secret("k" * 32)))

    async with running(shared) as first, running(shared) as second:
        answer = await second.client.get(MODELS, headers=await first.log_in())

    assert answer.status_code == 200


async def test_a_token_in_a_file_is_read_again_when_it_changes(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    credentials = Credentials(token=Secret(file=file), api_token=Secret(API_TOKEN))

    async with running(replace(settings, credentials=credentials)) as server:
        before = [(await server.listed(token=token)).status_code for token in ("first", "second")]
        rotated = tmp_path / "rotated"
        rotated.write_text("second\n")
        rotated.rename(file)
        after = [(await server.listed(token=token)).status_code for token in ("first", "second")]

    assert (before, after) == ([200, 401], [401, 200])


async def test_a_token_whose_file_is_emptied_or_gone_is_accepted_no_more(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")

    async with running(replace(settings, credentials=Credentials(token=Secret(file=file)))) as server:
        file.write_text("")
        emptied = [(await server.listed(token=token)).status_code for token in ("first", "")]
        file.unlink()
        gone = (await server.listed(token="first")).status_code
        file.write_text("first")
        back = (await server.listed(token="first")).status_code

    assert (emptied, gone, back) == ([401, 401], 401, 200)


async def test_everything_is_open_where_that_was_asked_for(settings: Settings) -> None:
    open_settings = replace(settings, credentials=Credentials(), insecure_no_authentication=True)

    async with running(open_settings) as server:
        uploaded = await server.client.post(MODELS, files={"model": ("a.tar.gz", model_file())})
        listed = await server.client.get(MODELS)

    assert (uploaded.status_code, listed.status_code) == (201, 200)


async def test_a_secret_does_not_show_itself() -> None:
    assert "hidden" not in repr(Credentials(token=Secret("hidden")))
