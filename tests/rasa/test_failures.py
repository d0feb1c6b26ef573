"""Messages when there is no usable response: they reveal neither ports nor the server's text."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import detailed_message_of, message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import InvalidAddressError, RasaError, UnexpectedAnswerError, UnreachableError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import Request, ask, http_client
from tests.outbound_http.raw_server import HEAD_ENDS, Connection, answer, listening, repeating, saying

from .conftest import ScriptedServer, replies, says

MODELS = "/api/projects/default/models"
CERTIFICATE = Path(__file__).parents[1] / "outbound_http" / "self_signed.pem"


async def failure(http: httpx.AsyncClient, url: str) -> RasaError:
    """The error of a listing."""
    with pytest.raises(RasaError) as caught:
        await ModelServerClient(http, ModelServerAddress(url), Credentials(token="service-token")).models()
    return caught.value


async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Close the connection after the request."""
    await reader.readuntil(HEAD_ENDS)


async def be_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Accept the connection, and do nothing else."""
    await reader.read()


async def speak_ssh(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Another protocol."""
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")


def tls() -> ssl.SSLContext:
    """An untrusted certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.mark.parametrize(
    ("connection", "context", "scheme", "detail"),
    [
        (hang_up, None, "http", "it closes the connection without an HTTP answer"),
        (speak_ssh, None, "http", "it closes the connection without an HTTP answer"),
        (be_silent, None, "http", "it did not answer in time"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n["), None, "http", "it did not answer in time"),
        (be_silent, tls, "https", "its certificate is not trusted (self-signed certificate): name its authority in"),
        (speak_ssh, None, "https", "it does not speak TLS there: write http://, or the port where it does"),
    ],
    ids=["hangs up", "another protocol", "silent", "breaks off", "certificate", "no TLS"],
)
async def test_an_open_port_that_is_of_no_use_looks_as_a_closed_one(
    connection: Connection,
    context: Callable[[], ssl.SSLContext] | None,
    scheme: str,
    detail: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async with http_client(timeout=0.5) as http, listening(connection, context and context()) as port:
        error = await failure(http, f"{scheme}://127.0.0.1:{port}")

    assert type(error) is UnreachableError
    assert reason_of(error) is Reason.MODEL_SERVER_UNREACHABLE
    assert message_of(error) == (
        f"the model server at {scheme}://127.0.0.1:{port}{MODELS} cannot be reached: it gives no HTTP answer; check "
        "`url` of the ModelServer"
    )
    assert error.detail.startswith(detail)
    assert f"GET {scheme}://127.0.0.1:{port}{MODELS}: {detail}" in caplog.text


async def test_a_closed_port(http: httpx.AsyncClient, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"

    error = await failure(http, url)

    assert reason_of(error) is Reason.MODEL_SERVER_UNREACHABLE
    assert message_of(error) == (
        f"the model server at {url}{MODELS} cannot be reached: it gives no HTTP answer; check `url` of the ModelServer"
    )
    assert detailed_message_of(error) == f"{message_of(error)} (connection refused, nothing listens there)"


async def test_an_unknown_host(http: httpx.AsyncClient) -> None:
    error = await failure(http, "http://no-such-host.invalid:5002")

    assert isinstance(error, UnreachableError)
    assert "cannot be reached: its host name is not known; check `url`" in message_of(error)
    assert "the host name no-such-host.invalid is not known (DNS: " in error.detail


@pytest.mark.parametrize(
    "url", ["rasa-x:5002", "ftp://rasa-x", "http://", "http://[::1", "http://a b/", "http://x:99999"]
)
async def test_an_address_that_is_none(http: httpx.AsyncClient, url: str) -> None:
    error = await failure(http, url)

    assert isinstance(error, InvalidAddressError)
    assert "its address is no http(s) URL with a host; check `url` of the ModelServer" in message_of(error)


async def test_a_compressed_answer_is_not_read(http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(gzip.compress(b" " * 50_000_000))

    async with listening(saying(answer(bomb, "Content-Encoding: gzip, gzip"))) as port:
        error = await failure(http, f"http://127.0.0.1:{port}")

    assert isinstance(error, UnexpectedAnswerError)
    assert "compresses its answer, which was not asked for and is not read" in message_of(error)


async def test_a_redirect_is_told_without_its_path(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    location = "https://user:hunter2@sso.example.com:8443/token-in-the-path?token=x"
    server.answer("GET", MODELS, replies(status=302, Location=location))

    error = await failure(http, server.url)

    assert "redirects to https://sso.example.com:8443, where its credentials may not go" in message_of(error)
    assert not {text for text in ("hunter2", "token-in-the-path", "token=x") if text in detailed_message_of(error)}


WORDS = "internal: the password is hunter2"


@pytest.mark.parametrize("status", [400, 401, 404, 409, 418, 503])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (WORDS, "text/plain"),
        (json.dumps({"message": WORDS}), "application/json"),
        (json.dumps({"reason": WORDS}), "application/json"),
        (json.dumps({"reason": "hunter2"}), "application/json"),
        (json.dumps({"reason": [WORDS], "detail": WORDS, "error": WORDS}), "application/json"),
        (json.dumps(WORDS), "application/json"),
        (f"<html>{WORDS}</html>", "text/html"),
        ('{"reason": "' + "X" * 65 + '", "message": "hunter2"}', "application/json"),
        ("[" * 5000 + "hunter2", "application/json"),
    ],
)
async def test_of_a_refusal_only_the_status_is_told(
    server: ScriptedServer, http: httpx.AsyncClient, status: int, body: str, kind: str
) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        for path in ("models", "models/m/tags/t", "models/tags/t"):
            server.answer(method, f"/api/projects/default/{path}", replies(body, status, kind, X_Secret="hunter2"))
        server.answer(method, "/api/environments", replies(body, status, kind))
    client = ModelServerClient(http, ModelServerAddress(server.url), Credentials(token="t", api_token="a"))

    messages = []
    for call in (
        client.models(),
        client.tag("t"),
        client.put_tag("m", "t"),
        client.delete_tag("m", "t"),
        client.check_write(),
        client.environments.read(),
        client.environments.replace([]),
    ):
        try:
            await call
        except RasaError as error:
            messages.append(message_of(error))

    assert len(messages) >= 5
    assert not [message for message in messages if "hunter2" in message or "XXX" in message]


async def test_the_reason_that_a_refusal_gives_is_told_where_it_is_one_word(
    server: ScriptedServer, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = {"status": "failure", "reason": "NotAuthenticated", "message": "User is not authenticated.", "code": 401}
    server.answer("GET", MODELS, says(said, status=401))

    error = await failure(http, server.url)

    assert "answers 401 (NotAuthenticated) to the listing of models" in message_of(error)
    assert error.detail == "User is not authenticated."
    assert "answers 401: User is not authenticated." in caplog.text


async def test_an_answer_without_end_is_given_up(http: httpx.AsyncClient) -> None:
    async with listening(repeating(b"HTTP/1.1 200 OK\r\n\r\n", b"[" * 10_000)) as port:
        with pytest.raises(UnexpectedAnswerError, match="answers with more than the 64 KiB that are read of it"):
            await ask(http, Peer.MODEL_SERVER, Request("GET", f"http://127.0.0.1:{port}"))
