"""The upload of a model file."""

from __future__ import annotations

import email
from pathlib import Path

import httpx
import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import detailed_message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import (
    ModelNameConflictError,
    ModelRefusedError,
    NoModelFileError,
    NoWriteCredentialsError,
    UnexpectedAnswerError,
)
from rasa_environments.rasa.model_server import ModelServerClient

from .conftest import Asked, ScriptedServer, replies, says

MODELS = "/api/projects/default/models"
CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A file of one megabyte."""
    file = tmp_path / "20260101-120000.tar.gz"
    file.write_bytes(CONTENT)
    return file


def part(asked: Asked) -> tuple[str | None, str | None, bytes]:
    """Name, file name and content of the one part, as the standard library's parser finds them."""
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + asked.body).get_payload()
    assert isinstance(parts, list)
    (only,) = parts
    assert isinstance(only, email.message.Message)
    content = only.get_payload(decode=True)
    assert isinstance(content, bytes)
    name = only.get_param("name", header="Content-Disposition")
    assert isinstance(name, str)
    return name, only.get_filename(), content


def client(http: httpx.AsyncClient, url: str) -> ModelServerClient:
    """A client that may write."""
    return ModelServerClient(http, ModelServerAddress(url), Credentials(api_token="user-token"))


@pytest.fixture
def writable(server: ScriptedServer) -> ScriptedServer:
    """A server that accepts the credentials."""
    server.answer("GET", MODELS, says([]))
    return server


async def test_the_file_arrives_as_the_part_called_model(
    writable: ScriptedServer, http: httpx.AsyncClient, model_file: Path
) -> None:
    writable.answer("POST", MODELS, replies(status=204))
    sent: list[int] = []

    name = await client(http, writable.url).upload(model_file, sent.append)

    posted = writable.asked[-1]
    assert name == "20260101-120000"
    assert part(posted) == ("model", "20260101-120000.tar.gz", CONTENT)
    assert int(posted.headers["Content-Length"]) == len(posted.body)
    assert sum(sent) == len(CONTENT)
    assert len(sent) > 1


async def test_the_server_may_give_it_another_name(
    writable: ScriptedServer, http: httpx.AsyncClient, model_file: Path
) -> None:
    writable.answer("POST", MODELS, says({"model": "renamed", "hash": "h"}, status=201))

    assert await client(http, writable.url).upload(model_file) == "renamed"


async def test_a_taken_name_is_told(writable: ScriptedServer, http: httpx.AsyncClient, model_file: Path) -> None:
    writable.answer("POST", MODELS, says({"message": "exists"}, status=409))

    with pytest.raises(ModelNameConflictError, match="a name is never overwritten") as caught:
        await client(http, writable.url).upload(model_file)

    assert reason_of(caught.value) is Reason.NAME_CONFLICT
    assert caught.value.detail == "exists"


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_a_refused_file_is_told(
    writable: ScriptedServer, http: httpx.AsyncClient, model_file: Path, status: int
) -> None:
    writable.answer("POST", MODELS, says({"message": "not a model"}, status=status))

    with pytest.raises(ModelRefusedError, match=rf"refuses 20260101-120000\.tar\.gz \({status}\)") as caught:
        await client(http, writable.url).upload(model_file)

    assert detailed_message_of(caught.value).endswith("(not a model)")


async def test_a_file_of_another_kind_is_not_sent(
    server: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with pytest.raises(NoModelFileError, match=r"takes files called \*\.tar\.gz, .* and not .*model\.zip"):
        await client(http, server.url).upload(tmp_path / "model.zip")

    assert server.asked == []


async def test_nothing_is_sent_before_the_credentials_are_known_to_write(
    server: ScriptedServer, http: httpx.AsyncClient, model_file: Path
) -> None:
    reader = ModelServerClient(http, ModelServerAddress(server.url), Credentials(token="service-token"))

    with pytest.raises(NoWriteCredentialsError):
        await reader.upload(model_file)

    assert server.asked == []


async def test_an_upload_that_is_redirected_is_not_sent_again(
    writable: ScriptedServer, http: httpx.AsyncClient, model_file: Path
) -> None:
    writable.answer("POST", MODELS, replies(status=307, Location="/elsewhere"))

    with pytest.raises(UnexpectedAnswerError, match="redirects to"):
        await client(http, writable.url).upload(model_file)
