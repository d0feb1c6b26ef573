"""No credential ever appears in a text: an error, its traceback, a repr or a log."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.domain.advice import message_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.redaction import HIDDEN, one_line, shown, without
from rasa_environments.rasa.server import served_model
from rasa_environments.rasa.transport import http_client

from .conftest import ScriptedServer

TOKEN = "service+token/of&the=server"
API_TOKEN = "api token of a user"
PASSWORD, OTHERS_PASSWORD = "password%of%a%user", "password of & others"
JWT = "header.payload.signature"
ENVIRONMENT_TOKEN, OTHERS_TOKEN = 'token "of" an/environment', "token+that others=registered"
EVERY = (TOKEN, API_TOKEN, PASSWORD, JWT, ENVIRONMENT_TOKEN, OTHERS_TOKEN, OTHERS_PASSWORD)
ENVIRONMENTS = (
    RegisteredEnvironment("production", "http://rasa-production:5005", ENVIRONMENT_TOKEN),
    RegisteredEnvironment("theirs", "http://rasa-of-others:5005", OTHERS_TOKEN, {"password": OTHERS_PASSWORD}),
)
CREDENTIALS = (
    Credentials(token=TOKEN),
    Credentials(token=TOKEN, api_token=API_TOKEN),
    Credentials(token=TOKEN, username="admin", password=PASSWORD),
)


def forms() -> Iterator[str]:
    """Return each secret as it is, and as in a URL and in JSON."""
    for secret in EVERY:
        yield from {secret, quote(secret), quote(secret, safe=""), str(httpx.QueryParams({"x": secret}))[2:]}
        yield json.dumps(secret)[1:-1]


async def everything(http: httpx.AsyncClient, url: str, credentials: Credentials) -> list[RasaError]:
    """Return the errors of every call."""
    client = ModelServerClient(http, ModelServerAddress(url), credentials)
    errors = []
    for call in (
        client.models(),
        client.version(),
        client.check_write(),
        client.tag("production"),
        client.put_tag("m", "production"),
        client.delete_tag("m", "production"),
        client.environments.read(),
        client.environments.replace(ENVIRONMENTS),
        served_model(http, url, TOKEN),
    ):
        try:
            await call
        except RasaError as error:
            errors.append(error)
    return errors


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=repr)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 503])
async def test_an_indiscreet_server_puts_no_credential_into_an_error(
    server: ScriptedServer,
    http: httpx.AsyncClient,
    caplog: pytest.LogCaptureFixture,
    status: int,
    credentials: Credentials,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def repeat(request: web.Request) -> web.StreamResponse:
        told = f"{request.raw_path} {dict(request.query)} {await request.text()} {dict(request.headers)}"
        return web.json_response({"message": told}, status=status)

    async def log_in(_: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": JWT})

    for method in ("GET", "HEAD", "PUT", "DELETE"):
        for path in ("models", "models/tags/production", "models/m/tags/production"):
            server.answer(method, f"/api/projects/default/{path}", repeat)
    server.answer("GET", "/status", repeat)
    for method in ("GET", "PUT"):
        server.answer(method, "/api/environments", repeat)
    server.answer("POST", "/api/auth", log_in)

    errors = await everything(http, server.url, credentials)

    assert len(errors) >= 3
    texts = [caplog.text, repr(credentials), repr(ENVIRONMENTS)]
    texts += [
        text
        for error in errors
        for text in (message_of(error), repr(error), "".join(traceback.format_exception(error)))
    ]
    assert not [form for form in forms() for text in texts if form in text]


async def test_a_successful_exchange_leaves_no_token_in_the_log(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async with http_client() as http:
        with suppress(RasaError):
            await ModelServerClient(http, ModelServerAddress(server.url), CREDENTIALS[1]).models()

    assert server.asked[0].query["token"] == TOKEN
    written = [record.getMessage() for record in caplog.records if record.name.startswith("http")]
    assert written == []


def test_credentials_show_what_is_there_and_no_value() -> None:
    assert repr(CREDENTIALS[2]) == "Credentials(token, username, password)"
    assert repr(Credentials()) == "Credentials(none)"


SECRET = st.text(min_size=8, max_size=40).filter(lambda text: HIDDEN not in text and text.strip() != "")


@given(secret=SECRET, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_secret_survives_in_a_line(secret: str, before: str, after: str) -> None:
    for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        line = one_line(f"{before}{form}{after}", (secret,))

        assert form not in without(f"{before}{form}{after}", (secret,))
        assert form not in line
        assert line.isprintable()


@given(
    user=st.text("abcdefgh", min_size=8, max_size=12),
    password=st.text("ijklmnop", min_size=8, max_size=12),
    query=st.text("qrstuvwx", min_size=8, max_size=12),
    fragment=st.text("0123456789", min_size=8, max_size=12),
)
def test_a_shown_url_has_scheme_host_port_and_path_alone(user: str, password: str, query: str, fragment: str) -> None:
    assert shown(f"http://{user}:{password}@y:5002/api/z?token={query}#{fragment}") == "http://y:5002/api/z"
