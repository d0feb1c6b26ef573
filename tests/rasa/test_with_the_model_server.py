"""The client and the model server of this project, over a real socket: they agree on every call."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import ModelNameTaken, ModelRefused, Unauthorized, UnknownModel
from rasa_environments.rasa.model_server import ModelServerClient, TagAnswer

TOKEN, API_TOKEN, PASSWORD = "the-service-token", "the-api-token", "the-password"
WITH_API_TOKEN = Credentials(token=TOKEN, api_token=API_TOKEN)
WITH_LOGIN = Credentials(token=TOKEN, username="admin", password=PASSWORD)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a model server on an empty directory."""
    environment = {
        **os.environ,
        "RASA_MODEL_SERVER_TOKEN": TOKEN,
        "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN,
        "RASA_MODEL_SERVER_USERNAME": "admin",
        "RASA_MODEL_SERVER_PASSWORD": PASSWORD,
    }
    command = [sys.executable, "-m", "rasa_model_server", "--storage", str(tmp_path_factory.mktemp("models"))]
    with subprocess.Popen([*command, "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"on (http://\S+?)(?:,|$)", process.stdout.readline())
        assert found is not None
        yield found[1]
        process.terminate()


def model_file(directory: Path, name: str, content: bytes = b"{}") -> Path:
    """An archive as `rasa train` writes one, as far as a model server looks."""
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

    with pytest.raises(ModelNameTaken):
        await rasa.upload(model_file(tmp_path, "taken", b"other content"))
    with pytest.raises(ModelRefused):
        await rasa.upload(no_model)
    with pytest.raises(UnknownModel, match="no model missing that can carry tag production"):
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

    with pytest.raises(Unauthorized):
        await rasa.models()
    with pytest.raises(Unauthorized):
        await rasa.tag("production")
    with pytest.raises(Unauthorized):
        await rasa.put_tag("m", "production")


async def test_the_server_tells_its_version(url: str, http: httpx.AsyncClient) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", await client(http, url, Credentials()).version() or "")


async def test_credentials_that_write_pass_the_check(url: str, http: httpx.AsyncClient) -> None:
    await client(http, url, WITH_API_TOKEN).check_write()
    await client(http, url, WITH_LOGIN).check_write()
