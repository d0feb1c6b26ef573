"""A model server on loopback, as it is in production: uvicorn, a real socket, a real store."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx import AsyncClient, Response
from starlette.routing import compile_path

from rasa_model_server.application import create_application
from rasa_model_server.connections import ConnectionLimits, protocol_of
from rasa_model_server.credentials import Credentials, Secret
from rasa_model_server.server import bind, configuration_of, url_of
from rasa_model_server.settings import Settings
from tests.loopback import NO_TLS
from tests.model_server.archives import model_file

# No test is about how fast the machine is.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

SERVICE_TOKEN = "service-token-0123"
API_TOKEN = "api-token-4567"
USERNAME = "me"
PASSWORD = "correct horse"
USUAL = ConnectionLimits()
MODELS = "/api/projects/default/models"


@dataclass(frozen=True)
class ModelServer:
    """A running server. Every answer to `client` is checked against the OpenAPI document."""

    client: AsyncClient
    url: str
    directory: Path

    async def upload(self, name: str, content: bytes | None = None) -> Response:
        return await self.client.post(
            MODELS, params=WRITES, files={"model": (f"{name}.tar.gz", content or model_file(name))}
        )

    async def put_tag(self, name: str, tag: str) -> Response:
        return await self.client.put(f"{MODELS}/{name}/tags/{tag}", params=WRITES)

    async def delete_tag(self, name: str, tag: str) -> Response:
        return await self.client.delete(f"{MODELS}/{name}/tags/{tag}", params=WRITES)

    async def delete(self, name: str, *, force: bool = False) -> Response:
        return await self.client.delete(f"{MODELS}/{name}", params=WRITES | ({"force": "true"} if force else {}))

    async def listed(self, **parameters: str) -> Response:
        return await self.client.get(MODELS, params=READS | parameters)

    async def tags(self) -> dict[str, list[str]]:
        """The tags of each model."""
        return {model["model"]: model["tags"] for model in (await self.listed()).json()}

    async def pull(self, tag: str, **headers: str) -> Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(f"{MODELS}/tags/{tag}", params=READS, headers=sent)

    async def log_in(self) -> dict[str, str]:
        """The header that a JWT is sent in."""
        answer = await self.client.post("/api/auth", json={"username": USERNAME, "password": PASSWORD})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@dataclass(frozen=True)
class Document:
    """The operations of each path, and the paths as regular expressions."""

    operations: Mapping[str, Mapping[str, Mapping[str, Mapping[str, object]]]]
    patterns: Mapping[str, re.Pattern[str]]


DOCUMENTS: dict[Settings, Document] = {}
READS = {"token": SERVICE_TOKEN}
WRITES = {"api_token": API_TOKEN}

CREDENTIALS = Credentials(
    token=Secret(SERVICE_TOKEN),
    api_token=Secret(API_TOKEN),
    username=Secret(USERNAME),
    password=Secret(PASSWORD),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(storage=str(tmp_path / "models"), credentials=CREDENTIALS, port=0)


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[ModelServer]:
    async with running(settings) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ModelServer]:
    """One server for the tests of a module that leave nothing in it."""
    storage = tmp_path_factory.mktemp("shared") / "models"
    async with running(Settings(storage=str(storage), credentials=CREDENTIALS, port=0)) as started:
        yield started


@contextlib.asynccontextmanager
async def running(settings: Settings, limits: ConnectionLimits = USUAL) -> AsyncIterator[ModelServer]:
    application = create_application(settings)
    listener = bind(settings)
    url = url_of(listener)
    configuration = configuration_of(application, settings)
    configuration.timeout_graceful_shutdown = 2
    configuration.http = protocol_of(limits)
    uvicorn_server = uvicorn.Server(configuration)
    serving = asyncio.create_task(uvicorn_server.serve(sockets=[listener]))
    try:
        async with AsyncClient(base_url=url, timeout=60, verify=NO_TLS) as client:
            client.event_hooks = {"response": [_declared_in(_document_of(application, settings))]}
            yield ModelServer(client, url, Path(settings.storage or ""))
    finally:
        uvicorn_server.should_exit = True
        await serving


def _document_of(application: FastAPI, settings: Settings) -> Document:
    """What the server's OpenAPI document mentions, which takes longer to make than most tests: it is made once.

    Servers whose settings differ only in where the store is have the same.
    """
    alike = replace(settings, storage=None)
    if alike not in DOCUMENTS:
        paths = [route.path for route in iter_route_contexts(application.routes) if route.path is not None]
        patterns = {path: compile_path(path)[0] for path in paths}
        DOCUMENTS[alike] = Document(application.openapi()["paths"], patterns)
    return DOCUMENTS[alike]


def _declared_in(document: Document) -> Callable[[Response], Awaitable[None]]:
    """A check that the server answers nothing that its OpenAPI document does not mention."""

    async def check(response: Response) -> None:
        path = response.request.url.path
        template = next((template for template, pattern in document.patterns.items() if pattern.match(path)), None)
        operation = document.operations.get(template or "", {}).get(response.request.method.lower())
        if operation is not None:
            assert str(response.status_code) in operation["responses"], (template, response.status_code)

    return check
