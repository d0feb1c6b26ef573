"""The client and this project's model server, over a real socket: they agree on every call."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import (
    ModelNameConflictError,
    ModelRefusedError,
    NoRegistryError,
    RegistrationCredentialsRejectedError,
    RegistrationRefusedError,
    UnauthorizedError,
    UnknownModelError,
)
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.pulls import TagAnswer

TOKEN, API_TOKEN, PASSWORD = "the-service-token", "the-api-token", "the-password"
WITH_API_TOKEN = Credentials(token=TOKEN, api_token=API_TOKEN)
WITH_LOGIN = Credentials(token=TOKEN, username="admin", password=PASSWORD)


@contextmanager
def running(storage: Path, *options: str) -> Iterator[str]:
    """A model server on an empty directory; gives its address."""
    environment = {
        **os.environ,
        "RASA_MODEL_SERVER_TOKEN": TOKEN,
        "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN,
        "RASA_MODEL_SERVER_USERNAME": "admin",
        "RASA_MODEL_SERVER_PASSWORD": PASSWORD,
    }
    command = [sys.executable, "-m", "rasa_model_server", "--storage", str(storage), "--port", "0"]
    with subprocess.Popen([*command, *options], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"on (http://[^\s,]+)", process.stdout.readline())
            assert found is not None
            yield found[1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a model server with the default profile."""
    with running(tmp_path_factory.mktemp("models")) as address:
        yield address


@pytest.fixture(scope="module")
def enterprise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that answers as Rasa Enterprise 1.0."""
    with running(tmp_path_factory.mktemp("enterprise"), "--profile", "RasaEnterprise-1.0") as address:
        yield address


def model_file(directory: Path, name: str, content: bytes = b"{}") -> Path:
    """Return an archive like one of `rasa train`, as far as a model server checks."""
    file = directory / f"{name}.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("metadata.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file


def client(http: httpx.AsyncClient, url: str, credentials: Credentials) -> ModelServerClient:
    """A client of the default project."""
    return ModelServerClient(http, ModelServerAddress(url), credentials)


@pytest.mark.parametrize("credentials", [WITH_API_TOKEN, WITH_LOGIN], ids=repr)
async def test_a_model_is_uploaded_tagged_found_and_untagged(
    url: str, http: httpx.AsyncClient, tmp_path: Path, credentials: Credentials
) -> None:
    name = f"model-{len(credentials.secrets)}-{credentials.username}"
    file = model_file(tmp_path, name)
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    rasa = client(http, url, credentials)

    assert await rasa.upload(file) == name
    await rasa.put_tag(name, "production")

    assert await rasa.tag("production") == TagAnswer(expected, f"{name}.tar.gz")
    (listed,) = [model for model in await rasa.models() if model.name == name]
    assert (listed.hash, listed.tags) == (expected, frozenset({"production"}))

    await rasa.delete_tag(name, "production")

    assert await rasa.tag("production") is None


async def test_a_tag_moves_from_one_model_to_another(url: str, http: httpx.AsyncClient, tmp_path: Path) -> None:
    rasa = client(http, url, WITH_API_TOKEN)
    for name in ("first", "second"):
        await rasa.upload(model_file(tmp_path, name, name.encode()))
        await rasa.put_tag(name, "staging")

    tags = {model.name: model.tags for model in await rasa.models()}

    assert tags["first"] == frozenset()
    assert tags["second"] == {"staging"}


async def test_what_the_server_refuses_is_told_in_its_words(url: str, http: httpx.AsyncClient, tmp_path: Path) -> None:
    rasa = client(http, url, WITH_API_TOKEN)
    await rasa.upload(model_file(tmp_path, "taken"))
    no_model = tmp_path / "no-model.tar.gz"
    no_model.write_text("this is not a gzip tar")

    with pytest.raises(ModelNameConflictError):
        await rasa.upload(model_file(tmp_path, "taken", b"other content"))
    with pytest.raises(ModelRefusedError):
        await rasa.upload(no_model)
    with pytest.raises(UnknownModelError, match="no model missing that can carry tag production"):
        await rasa.put_tag("missing", "production")


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(token="wrong", api_token="wrong"),
        Credentials(token="wrong", username="admin", password="wrong"),
        Credentials(token="wrong", api_token=TOKEN),
    ],
    ids=repr,
)
async def test_wrong_credentials_are_unauthorized(url: str, http: httpx.AsyncClient, credentials: Credentials) -> None:
    rasa = client(http, url, credentials)

    with pytest.raises(UnauthorizedError):
        await rasa.models()
    with pytest.raises(UnauthorizedError):
        await rasa.tag("production")
    with pytest.raises(UnauthorizedError):
        await rasa.put_tag("m", "production")


async def test_the_server_tells_its_version(url: str, http: httpx.AsyncClient) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", await client(http, url, Credentials()).version() or "")


async def test_environments_are_registered_beside_those_of_others(enterprise: str, http: httpx.AsyncClient) -> None:
    theirs = RegisteredEnvironment("theirs", "http://rasa-of-others:5005", "token-of-others")
    ours = RegisteredEnvironment("production", "http://rasa-production:5005", "token-of-production")
    environments = client(http, enterprise, WITH_LOGIN).environments
    await environments.replace([theirs])

    await environments.replace([*await environments.read(), ours])

    assert await environments.read() == (theirs, ours)


async def test_a_name_that_enterprise_refuses_is_told_and_nothing_changes(
    enterprise: str, http: httpx.AsyncClient
) -> None:
    environments = client(http, enterprise, WITH_LOGIN).environments
    await environments.replace([])
    misnamed = RegisteredEnvironment("../production", "http://rasa:5005", "token-of-production")

    with pytest.raises(
        RegistrationRefusedError, match=r"refuses the registration of \.\./production \(400 BadRequest\)"
    ):
        await environments.replace([misnamed])

    assert await environments.read() == ()


async def test_enterprise_wants_a_login_to_register(enterprise: str, http: httpx.AsyncClient) -> None:
    with pytest.raises(RegistrationCredentialsRejectedError):
        await client(http, enterprise, WITH_API_TOKEN).environments.read()


async def test_a_generation_before_1_0_has_no_registry(
    tmp_path_factory: pytest.TempPathFactory, http: httpx.AsyncClient
) -> None:
    directory = tmp_path_factory.mktemp("rasa-x")
    known = {
        name: {"url": f"http://{name}:5005", "token": "token-of-an-environment"} for name in ("production", "worker")
    }
    file = directory / "environments.yml"
    file.write_text(yaml.safe_dump({"rasa": known}))
    options = ["--profile", "RasaX-0.32", "--environments-file", str(file)]
    with running(directory / "models", *options) as address:
        environments = client(http, address, WITH_LOGIN).environments

        for refused in (environments.read(), environments.replace([])):
            with pytest.raises(NoRegistryError):
                await refused


async def test_credentials_that_write_pass_the_check(url: str, http: httpx.AsyncClient) -> None:
    await client(http, url, WITH_API_TOKEN).check_write()
    await client(http, url, WITH_LOGIN).check_write()
