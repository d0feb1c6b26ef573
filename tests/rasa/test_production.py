"""A Rasa X that fails or answers 404 because its production server is missing or does not answer."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from rasa_environments.domain.advice import message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import EnvironmentNeededError, ModelRefusedError, RasaError, ServerFailedError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.production import KnownEnvironments, trouble

from .conftest import Handler, ScriptedServer, replies, says

URL = "http://rasa-x:5002/api/environments"
MODELS = "/api/projects/default/models"
PUT = f"{MODELS}/m/tags/live"
PRODUCTION = {"name": "production", "url": "http://production-rasa:5005", "token": "t0ken"}
WORKER = {"name": "worker", "url": "http://worker-rasa:5005", "token": "t0ken"}
WELL, AWAY = {"version": "3.0.8", "status": 200}, {"status": 500, "error": "hunter2"}
FILE = "rasa:\n  staging: {url: http://staging-rasa:5005, token: t0ken}\n"
FAILED = replies("Internal Server Error", 500)

NO_PRODUCTION = (
    "no environment production is registered with it, and Rasa X asks it for its version before it takes a tag or a "
    "model; create a DeploymentEnvironment of this name that refers to this ModelServer (with spec.external where its "
    "server runs elsewhere), or register it at Rasa X yourself"
)
SILENT_PRODUCTION = "the environment production that is registered with it does not answer it, and Rasa X asks it"
NO_WORKER = "no environment worker is registered with it, and Rasa X needs it beside production"
SILENT_WORKER = "the environment worker that is registered with it does not answer it"


def versions(**environments: str) -> Handler:
    """`/api/version` of a Rasa X."""
    return says({"rasa": environments, "rasa-x": "1.1.2", "enterprise": False, "keys": []})


@pytest.fixture
def rasa_x(server: ScriptedServer) -> ScriptedServer:
    """A Rasa X 1.1 without environments, which fails at every tag and upload."""
    server.answer("POST", "/api/auth", says({"access_token": "jwt"}))
    server.answer("GET", "/api/environments", says([]))
    server.answer("GET", "/api/version", versions())
    server.answer("GET", "/api/health", says({}))
    server.answer("GET", MODELS, says([]))
    server.answer("PUT", PUT, FAILED)
    server.answer("POST", MODELS, says({"reason": "InternalError", "message": "hunter2"}, 500))
    return server


def client(http: httpx.AsyncClient, server: ScriptedServer) -> ModelServerClient:
    """A client with a login."""
    return ModelServerClient(http, ModelServerAddress(server.url), Credentials(username="me", password="letmein"))


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Something to upload."""
    file = tmp_path / "m.tar.gz"
    file.write_bytes(b"model")
    return file


async def test_a_tag_that_fails_for_want_of_production_says_so(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    with pytest.raises(EnvironmentNeededError) as caught:
        await client(http, rasa_x).put_tag("m", "live")

    assert reason_of(caught.value) == "TagRefused"
    assert message_of(caught.value) == f"the model server at {rasa_x.url}{PUT} fails (500): {NO_PRODUCTION}"


async def test_an_upload_that_fails_for_want_of_production_says_so(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, model_file: Path
) -> None:
    with pytest.raises(EnvironmentNeededError) as caught:
        await client(http, rasa_x).upload(model_file)

    assert message_of(caught.value).endswith(f"{MODELS} fails (500 InternalError): {NO_PRODUCTION}")


@pytest.mark.parametrize("status", [400, 404])
async def test_a_refused_file_comes_with_what_else_is_wrong(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, model_file: Path, status: int
) -> None:
    rasa_x.answer("POST", MODELS, says({"reason": "ModelError"}, status))
    rasa_x.answer("GET", "/api/environments", says([WORKER]))

    with pytest.raises(ModelRefusedError) as caught:
        await client(http, rasa_x).upload(model_file)

    assert message_of(caught.value).endswith(f"refuses m.tar.gz ({status} ModelError); {NO_PRODUCTION}")


async def test_a_bad_file_is_not_blamed_on_an_empty_registry(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, model_file: Path
) -> None:
    rasa_x.answer("POST", MODELS, says({"reason": "ModelError"}, 400))

    with pytest.raises(ModelRefusedError) as caught:
        await client(http, rasa_x).upload(model_file)

    assert message_of(caught.value).endswith(
        "refuses m.tar.gz (400 ModelError); upload a file that `rasa train` wrote, or see its log"
    )


@pytest.mark.parametrize(
    ("registry", "version", "health", "said"),
    [
        (says([WORKER]), versions(worker="3.0.8"), says({"worker": WELL}), NO_PRODUCTION),
        (says([PRODUCTION, WORKER]), versions(production="0.0.0", worker="3.0.8"), says({}), SILENT_PRODUCTION),
        (says([PRODUCTION, WORKER]), replies("", 404), says({"production": AWAY, "worker": WELL}), SILENT_PRODUCTION),
        (says([PRODUCTION]), versions(production="3.0.8"), says({"production": WELL}), NO_WORKER),
        (says([PRODUCTION, WORKER]), versions(production="3.0.8", worker="0.0.0"), says({}), SILENT_WORKER),
        (says({"environments": FILE}), versions(), says({}), NO_PRODUCTION),
        (replies("", 404), versions(staging="3.0.8"), replies("", 404), NO_PRODUCTION),
        (says({"message": "only admins"}, 403), versions(production="0.0.0"), says({}), SILENT_PRODUCTION),
    ],
    ids=[
        "worker alone",
        "0.0.0",
        "unwell",
        "no worker",
        "worker 0.0.0",
        "environments.yml",
        "by the version alone",
        "no right to list",
    ],
)
async def test_what_rasa_x_says_elsewhere_tells_the_cause(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, registry: Handler, version: Handler, health: Handler, said: str
) -> None:
    rasa_x.answer("GET", "/api/environments", registry)
    rasa_x.answer("GET", "/api/version", version)
    rasa_x.answer("GET", "/api/health", health)

    with pytest.raises(EnvironmentNeededError) as caught:
        await client(http, rasa_x).put_tag("m", "live")

    assert said in message_of(caught.value)
    assert not {word for word in ("hunter2", "t0ken", "staging") if word in message_of(caught.value)}


@pytest.mark.parametrize(
    ("registry", "version", "health"),
    [
        (says([PRODUCTION, WORKER]), versions(production="3.0.8", worker="3.0.8"), says({})),
        (replies("", 404), says({"version": "0.1.0", "rasa": {}, "enterprise": False}), says({"status": "ok"})),
        (replies("<html>"), replies("<html>"), replies("<html>")),
        (says({"environments": 3}), says({"rasa": 3}), says([])),
        (says({"message": "no"}, 500), says({"message": "no"}, 500), says({"message": "no"}, 500)),
    ],
    ids=["all well", "another server", "web pages", "odd answers", "all fails"],
)
async def test_where_nothing_is_known_to_lack_only_the_failure_is_told(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, registry: Handler, version: Handler, health: Handler
) -> None:
    rasa_x.answer("GET", "/api/environments", registry)
    rasa_x.answer("GET", "/api/version", version)
    rasa_x.answer("GET", "/api/health", health)

    with pytest.raises(ServerFailedError, match="it failed"):
        await client(http, rasa_x).put_tag("m", "live")


async def test_a_gateway_error_is_not_blamed_on_production(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    rasa_x.answer("PUT", PUT, replies("", 502))

    with pytest.raises(RasaError, match="a proxy before it gets no answer from it"):
        await client(http, rasa_x).put_tag("m", "live")


def test_what_is_not_known_is_no_trouble() -> None:
    assert trouble(KnownEnvironments(), URL) is None
    assert trouble(KnownEnvironments(frozenset({"production", "worker"})), URL) is None
