"""A server of plain files, or a bucket, as model server.

No API, no header `filename`, and its own kinds of responses.
"""

from __future__ import annotations

import asyncio
import hashlib
import tarfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rasa_environments.domain.advice import message_of
from rasa_environments.rasa import pulls
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import (
    EncodedModelError,
    FileNotReadableError,
    FileReplacedError,
    NoListingError,
    NoModelHashError,
    NoTagsError,
    NothingNewError,
    RasaError,
    UnreachableError,
    UnreadableModelError,
)
from rasa_environments.rasa.model_archive import ModelIdentity
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.pulls import TagAnswer

from .conftest import ScriptedServer, replies
from .test_model_archive import METADATA, archive

FILE = "/models/production.tar.gz"
MODELS = "/api/projects/default/models"
NO_ACCESS = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><HostId>hunter2</HostId></Error>'
MODEL = archive({"components/weights": bytes(100_000), "metadata.json": METADATA})


def client(http: httpx.AsyncClient, url: str) -> ModelServerClient:
    """A client of a ModelServer with `modelPath`, and without credentials."""
    return ModelServerClient(http, ModelServerAddress(url, model_path="/models/{tag}.tar.gz"), Credentials(token="t"))


async def failure(call: Awaitable[object]) -> RasaError:
    """The error of a call."""
    with pytest.raises(RasaError) as caught:
        await call
    return caught.value


@pytest.fixture
async def files() -> AsyncIterator[tuple[str, dict[str, bytes]]]:
    """A plain file server like nginx: its address, and its files by path."""
    held: dict[str, bytes] = {}

    async def send(request: web.Request) -> web.Response:
        content = held.get(request.path)
        if content is None:
            return web.Response(status=404, text="<html>404 Not Found</html>", content_type="text/html")
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=content, content_type="application/octet-stream", headers={"ETag": etag})

    application = web.Application()
    application.router.add_get("/{path:.*}", send)
    running = TestServer(application, host="127.0.0.1")
    await running.start_server(access_log=None)
    yield str(running.make_url("/")).rstrip("/"), held
    await running.close()


async def test_the_hash_of_a_file_stands_for_its_name_and_the_file_tells_the_model(
    files: tuple[str, dict[str, bytes]], http: httpx.AsyncClient
) -> None:
    url, held = files
    held[FILE] = MODEL
    md5 = hashlib.md5(MODEL, usedforsecurity=False).hexdigest()

    found = await client(http, url).tag("production")

    assert found == TagAnswer(md5)
    assert found.model == md5
    assert await client(http, url).pulls.identity("production", md5) == ModelIdentity(model_id="f00" * 10)


async def test_a_file_that_is_not_there_is_a_tag_without_a_model(
    files: tuple[str, dict[str, bytes]], http: httpx.AsyncClient
) -> None:
    url, _ = files

    assert await client(http, url).tag("production") is None
    with pytest.raises(NoListingError):
        await client(http, url).models()


async def test_a_file_that_is_replaced_while_it_is_asked_for_is_not_taken_for_the_old_one(
    files: tuple[str, dict[str, bytes]], http: httpx.AsyncClient
) -> None:
    url, held = files
    held[FILE] = MODEL

    error = await failure(client(http, url).pulls.identity("production", "0" * 32))

    assert type(error) is FileReplacedError
    assert "answers tag production with another file by now" in message_of(error)


@pytest.mark.parametrize("status", [400, 403, 405, 501])
async def test_where_head_is_not_answered_the_file_is_asked_for_as_rasa_does(
    server: ScriptedServer, http: httpx.AsyncClient, status: int
) -> None:
    server.answer("HEAD", FILE, replies(status=status))
    server.answer("GET", FILE, replies("x" * 1000, ETag='W/"5f3c-6123"'))

    assert await client(http, server.url).tag("production") == TagAnswer("5f3c-6123")


async def test_an_etag_that_only_a_get_has_is_found(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", FILE, replies())
    server.answer("GET", FILE, replies(ETag='"abc"'))

    assert await client(http, server.url).tag("production") == TagAnswer("abc")


async def test_without_an_etag_rasa_gets_no_model(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    for method in ("HEAD", "GET"):
        server.answer(method, FILE, replies())

    error = await failure(client(http, server.url).tag("production"))

    assert type(error) is NoModelHashError
    assert "answers the pull of tag production with no ETag: Rasa drops such a model" in message_of(error)


@pytest.mark.parametrize("status", [204, 304])
async def test_nothing_new_is_no_answer_to_a_first_pull(
    server: ScriptedServer, http: httpx.AsyncClient, status: int
) -> None:
    for method in ("HEAD", "GET"):
        server.answer(method, FILE, replies(status=status, ETag='"abc"'))

    error = await failure(client(http, server.url).tag("production"))

    assert type(error) is NothingNewError
    assert f"answers {status} (nothing new) to the pull of tag production by one who has pulled" in message_of(error)
    assert "any cache before it, heeds If-None-Match" in message_of(error)


async def test_a_bucket_that_hides_what_is_not_there_is_told_as_one(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    for method, path in (("HEAD", FILE), ("GET", FILE), ("GET", MODELS)):
        server.answer(method, path, replies(NO_ACCESS, status=403, content_type="application/xml"))

    with pytest.raises(NoListingError):
        await client(http, server.url).models()
    error = await failure(client(http, server.url).tag("production"))

    assert type(error) is FileNotReadableError
    assert message_of(error) == (
        f"the model server at {server.url}{FILE} answers 403 to the pull of tag production: the file may not be read, "
        "or, as buckets answer then, it is not there; see that it is, that whoever pulls may read it, and that "
        "`modelPath` of the ModelServer is right"
    )


async def test_a_site_that_answers_everything_with_its_page_has_no_models(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    for method, path in (("HEAD", FILE), ("GET", FILE), ("GET", MODELS)):
        server.answer(method, path, replies("<html>shop</html>", content_type="text/html", ETag='"5f3c-6123"'))

    with pytest.raises(NoListingError):
        await client(http, server.url).models()
    error = await failure(client(http, server.url).tag("production"))

    assert "answers with a web page instead of the model of tag production" in message_of(error)


async def test_a_server_that_fails_or_is_away_is_no_server_of_files(
    server: ScriptedServer, http: httpx.AsyncClient, unused_tcp_port: int
) -> None:
    server.answer("GET", MODELS, replies(status=500))

    assert not isinstance(await failure(client(http, server.url).models()), NoListingError)
    assert isinstance(await failure(client(http, f"http://127.0.0.1:{unused_tcp_port}").models()), UnreachableError)


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_a_server_of_files_takes_no_tags(server: ScriptedServer, http: httpx.AsyncClient, status: int) -> None:
    server.answer("PUT", f"{MODELS}/m/tags/t", replies("<html>no</html>", status, content_type="text/html"))
    writer = ModelServerClient(
        http, ModelServerAddress(server.url, model_path="/models/{tag}"), Credentials(api_token="user-token")
    )

    error = await failure(writer.put_tag("m", "t"))

    assert type(error) is NoTagsError
    assert f"takes no tags ({status}), as a server of plain files does not; put the model where" in message_of(error)


BAD_FILES = [
    (replies("hunter2", ETag='"abc"'), "is no model that Rasa could load: it is no gzip, or a damaged one"),
    (replies("", ETag='"abc"'), "is no model that Rasa could load: it is cut off, or no gzip at all"),
]


@pytest.mark.parametrize(("handler", "said"), BAD_FILES)
async def test_a_file_that_is_no_model_is_told(
    server: ScriptedServer,
    http: httpx.AsyncClient,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    said: str,
) -> None:
    server.answer("GET", FILE, handler)

    error = await failure(client(http, server.url).pulls.identity("production", "abc"))

    assert type(error) is UnreadableModelError
    assert str(error) == f"the model server at {server.url}{FILE} sends a file that {said}"


async def test_a_file_with_a_content_encoding_is_one_that_rasa_cannot_open(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    async def encoded(_: web.Request) -> web.StreamResponse:
        return web.Response(body=MODEL, headers={"Content-Encoding": "gzip", "ETag": '"abc"'})

    server.answer("GET", FILE, encoded)

    error = await failure(client(http, server.url).pulls.identity("production", "abc"))

    assert type(error) is EncodedModelError
    assert "has a Content-Encoding: Rasa takes that off, and cannot open what is left" in message_of(error)


async def test_a_file_that_is_larger_than_is_read_is_not_downloaded(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "MAXIMUM_ARCHIVE", 2 * 1024**2)
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"ETag": '"abc"'})
        await response.prepare(request)
        member, stored = tarfile.TarInfo("weights"), zlib.compressobj(level=0, wbits=31)
        member.size = 1024**3
        await response.write(stored.compress(member.tobuf()))
        while sent < 64 * 1024**2:
            await response.write(stored.compress(bytes(65_536)))
            sent += 65_536
        return response

    server.answer("GET", FILE, replies("x" * (3 * 1024**2), ETag='"abc"'))
    announced = await failure(client(http, server.url).pulls.identity("production", "abc"))
    server.answer("GET", FILE, endless)
    unannounced = await failure(client(http, server.url).pulls.identity("production", "abc"))

    assert "is larger than the 2 MiB that are read" in message_of(announced)
    assert message_of(unannounced) == message_of(announced)
    assert sent < 32 * 1024**2


async def test_a_download_has_a_deadline(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "ARCHIVE_SECONDS", 0.5)

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": '"abc"'})
        await response.prepare(request)
        for byte in MODEL:
            await response.write(bytes([byte]))
            await asyncio.sleep(0.1)
        return response

    server.answer("GET", FILE, dripping)

    assert isinstance(await failure(client(http, server.url).pulls.identity("production", "abc")), UnreachableError)
