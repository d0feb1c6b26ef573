"""Responses of anything in front of a server: proxies, load balancers, firewalls, login pages, captive portals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import detailed_message_of, message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import (
    AnotherLoginError,
    CaptivePortalError,
    LoginPageError,
    ModelTooLargeError,
    NoReadyUpstreamError,
    NoUpstreamAnswerError,
    ProxyCredentialsError,
    RasaError,
    RedirectedError,
    RefusedOnTheWayError,
    RequestTooLargeError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    UploadBrokenOffError,
    UpstreamTimeoutError,
    WrongPathError,
)
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.server import served_model
from tests.outbound_http.raw_server import HEAD_ENDS, answer, listening

from .conftest import Handler, ScriptedServer, replies, says

PROJECT = "/api/projects/default"
MODELS, PUT, PULL = f"{PROJECT}/models", f"{PROJECT}/models/m/tags/t", f"{PROJECT}/models/tags/t"
MODEL_SERVER_ADDRESS = (
    "make `url` of the ModelServer its address inside the cluster (http://SERVICE.NAMESPACE.svc:PORT)"
)
LOOKS_LIKE_LOGIN = "where its credentials may not go: it looks like the login page of a proxy before it"
STANDS_BEFORE = "a proxy with a login (single sign-on) stands before it"

NGINX = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n<hr>nginx</html>"
ENVOY = "upstream connect error or disconnect/reset before headers. reset reason: connection failure"
GOOGLE = '\n<html><head>\n<meta http-equiv="content-type" content="text/html;charset=utf-8">\n<title>{0} Server Error'
WAF = "<!DOCTYPE html><html><head><title>Attention Required!</title></head><body>You have been blocked</body></html>"
OAUTH2_PROXY = '<!DOCTYPE html>\n<html lang="en">\n<title>Sign In</title>\n<form method="GET" action="/oauth2/start">'
KEYCLOAK = '<!DOCTYPE html><html><body><form id="kc-form-login"><input type="password" name="password"/></form></html>'


def html(text: str, status: int = 200) -> Handler:
    """A web page."""
    return replies(text, status=status, content_type="text/html")


def client(http: httpx.AsyncClient, url: str) -> ModelServerClient:
    """A client with all rights."""
    return ModelServerClient(http, ModelServerAddress(url), Credentials(token="t0ken", api_token="user-t0ken"))


async def failure(call: Awaitable[object]) -> RasaError:
    """The error of a call."""
    with pytest.raises(RasaError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("handler", "kind", "said"),
    [
        (html(NGINX.format("502 Bad Gateway"), 502), NoUpstreamAnswerError, "gets no answer from it"),
        (replies("Bad Gateway", 502), NoUpstreamAnswerError, "leads to the port where it listens"),
        (html(GOOGLE.format("502"), 502), NoUpstreamAnswerError, "gets no answer from it"),
        (replies("error code: 521", 521), NoUpstreamAnswerError, "gets no answer from it"),
        (replies(ENVOY, 503), NoReadyUpstreamError, "see that its pods are ready and that their"),
        (html("<html><body>503</body></html>", 503), NoReadyUpstreamError, "has no server to pass"),
        (replies("no available server", 503), NoReadyUpstreamError, "has no server to pass this to"),
        (replies("", 503), NoReadyUpstreamError, "has no server to pass this to"),
        (html(NGINX.format("504"), 504), UpstreamTimeoutError, "nginx: proxy_read_timeout"),
        (replies("stream timeout", 504), UpstreamTimeoutError, "raise the proxy's time-out"),
        (html(NGINX.format("429"), 429), TooManyRequestsError, "takes no more requests for now"),
        (says({"message": "slow down"}, 429), TooManyRequestsError, "takes no more requests for now"),
        (html(WAF, 403), RefusedOnTheWayError, "a web application firewall before it refuses this, not"),
        (html(NGINX.format("401"), 401), AnotherLoginError, "a proxy before it asks for a login of its own"),
        (html("<h1>Proxy login</h1>", 407), ProxyCredentialsError, "write them into HTTPS_PROXY"),
        (html("<h1>Welcome</h1>", 511), CaptivePortalError, "asks for a login (a captive portal)"),
        (html(NGINX.format("413"), 413), RequestTooLargeError, "nginx: client_max_body_size"),
        (html(OAUTH2_PROXY), LoginPageError, "answers with a login page instead of a list of models"),
        (html(KEYCLOAK), LoginPageError, "answers with a login page instead of a list of models"),
        (html("<html>" + "x" * 100_000), WrongPathError, "answers with a web page instead of a"),
    ],
)
async def test_what_answers_in_the_place_of_a_model_server_is_told_with_its_remedy(
    server: ScriptedServer, http: httpx.AsyncClient, handler: Handler, kind: type[RasaError], said: str
) -> None:
    server.answer("GET", MODELS, handler)

    error = await failure(client(http, server.url).models())

    assert type(error) is kind
    assert message_of(error).startswith(f"the model server at {server.url}{MODELS} answers ")
    assert said in message_of(error)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        (
            "https://sso.corp.example/realms/x/protocol/openid-connect/auth?client_id=hunter2",
            f"redirects to https://sso.corp.example, {LOOKS_LIKE_LOGIN}; {MODEL_SERVER_ADDRESS}, or let the proxy pass",
        ),
        (
            "https://login.microsoftonline.com/hunter2/oauth2/v2.0/authorize",
            "redirects to https://login.microsoftonline.com, where its credentials may not go: it looks like the login",
        ),
        (
            "/oauth2/sign_in?rd=hunter2",
            f"answers with a login page instead of a list of models: {STANDS_BEFORE}; {MODEL_SERVER_ADDRESS}, or let",
        ),
    ],
    ids=["Keycloak", "Microsoft", "oauth2-proxy"],
)
async def test_a_redirect_to_a_login_page_is_told_as_one(
    server: ScriptedServer, http: httpx.AsyncClient, location: str, said: str
) -> None:
    server.answer("GET", MODELS, replies(status=302, Location=location))
    server.answer("GET", "/oauth2/sign_in", html("<html><div id=app></div></html>"))

    error = await failure(client(http, server.url).models())

    assert type(error) is LoginPageError
    assert said in message_of(error)
    assert "hunter2" not in message_of(error)


async def test_a_move_from_http_to_https_is_no_login_page(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", "/api/auth", replies(status=308, Location="https://rasa-x.example/api/auth"))
    writer = ModelServerClient(http, ModelServerAddress(server.url), Credentials(username="me", password="letmein"))

    error = await failure(writer.put_tag("m", "t"))

    assert type(error) is RedirectedError
    assert "where its credentials may not go; if that is where it lives, make it the address" in message_of(error)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_web_page_is_no_success_of_a_write(
    server: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path, status: int
) -> None:
    for method, path in (("PUT", PUT), ("DELETE", PUT), ("POST", MODELS), ("HEAD", PULL)):
        server.answer(method, path, html(OAUTH2_PROXY, status))
    server.answer("GET", MODELS, says([]))
    file = tmp_path / "m.tar.gz"
    file.write_bytes(b"model")
    writer = client(http, server.url)

    for call in (writer.put_tag("m", "t"), writer.delete_tag("m", "t"), writer.upload(file)):
        error = await failure(call)
        assert isinstance(error, UnexpectedAnswerError)
        assert ("login page" if status == 200 else "it has no such path") in message_of(error)


async def test_a_login_page_does_not_accept_credentials_and_is_no_model(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("GET", MODELS, html(OAUTH2_PROXY))
    server.answer("HEAD", PULL, replies(OAUTH2_PROXY, content_type="text/html", ETag='"5f3c-6123"'))

    for call in (client(http, server.url).check_write(), client(http, server.url).tag("t")):
        assert "answers with a web page instead of" in message_of(await failure(call))


async def test_a_model_server_that_refuses_a_large_file_itself_names_its_own_limit(
    server: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    server.answer("GET", MODELS, says([]))
    server.answer("POST", MODELS, says({"reason": "ModelTooLarge"}, 413))
    file = tmp_path / "m.tar.gz"
    file.write_bytes(b"model")

    error = await failure(client(http, server.url).upload(file))

    assert type(error) is ModelTooLargeError
    assert "refuses m.tar.gz (413 ModelTooLarge): it takes no file of this size; raise its limit" in message_of(error)


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    """Larger than the buffers of a connection."""
    file = tmp_path / "m.tar.gz"
    file.write_bytes(bytes(20_000_000))
    return file


async def test_a_proxy_that_refuses_an_upload_while_it_is_sent_is_heard(
    http: httpx.AsyncClient, large_file: Path
) -> None:
    page = NGINX.format("413 Request Entity Too Large").encode()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.readuntil(HEAD_ENDS)).startswith(b"GET"):
            writer.write(answer(b"[]", "Content-Type: application/json"))
        writer.write(answer(page, "Content-Type: text/html", "Connection: close", status="413 Too Large"))
        await reader.read()  # nginx reads on for a while (lingering_close)

    async with listening(refuse) as port:
        error = await failure(client(http, f"http://127.0.0.1:{port}").upload(large_file))

    assert type(error) is RequestTooLargeError
    assert "answers 413 to the upload of m.tar.gz: a proxy before it takes no request of this size" in message_of(error)
    assert "nginx.ingress.kubernetes.io/proxy-body-size" in message_of(error)
    assert MODEL_SERVER_ADDRESS in message_of(error)


async def test_an_upload_that_somebody_breaks_off_names_the_limits_of_proxies(
    http: httpx.AsyncClient, large_file: Path
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.readuntil(HEAD_ENDS)).startswith(b"GET"):
            writer.write(answer(b"[]", "Content-Type: application/json"))
        await reader.read(1_000_000)

    async with listening(hang_up) as port:
        error = await failure(client(http, f"http://127.0.0.1:{port}").upload(large_file))

    assert type(error) is UploadBrokenOffError
    assert "the upload of m.tar.gz broke off: a proxy before it may take no request of this size" in message_of(error)


@pytest.mark.parametrize(
    ("handler", "reason", "said"),
    [
        (html(NGINX.format("504"), 504), "ExternalServerUnreachable", "a proxy before it gave up before it answered"),
        (html(OAUTH2_PROXY), "UnexpectedAnswer", "a login page instead of its status: a proxy with a login (single"),
        (html(WAF, 403), "UnexpectedAnswer", "refuses this, not the server itself; make `external.url` of the"),
        (html(WAF, 409), "UnexpectedAnswer", "which its API does not promise"),
    ],
)
async def test_the_same_is_told_before_a_rasa_server(
    server: ScriptedServer, http: httpx.AsyncClient, handler: Handler, reason: str, said: str
) -> None:
    server.answer("GET", "/status", handler)

    error = await failure(served_model(http, server.url, "t0ken", Peer.EXTERNAL_RASA_SERVER))

    assert reason_of(error) == reason
    assert said in message_of(error)


@pytest.mark.parametrize("status", [200, 401, 403, 407, 413, 429, 500, 502, 503, 504, 511, 520, 524])
@pytest.mark.parametrize("words", [html, replies], ids=["web page", "text"])
async def test_nothing_of_what_they_say_is_repeated(
    server: ScriptedServer, http: httpx.AsyncClient, status: int, words: Callable[..., Handler]
) -> None:
    server.answer("GET", MODELS, words("<html>hunter2 sign in</html>", status=status))

    error = await failure(client(http, server.url).models())

    assert "hunter2" not in message_of(error)
    assert "t0ken" not in detailed_message_of(error)


async def test_a_refused_token_and_an_absent_server_have_reasons_of_their_own(
    server: ScriptedServer, http: httpx.AsyncClient, unused_tcp_port: int
) -> None:
    server.answer("HEAD", PULL, says({"reason": "NotAuthenticated"}, 401), says({"reason": "NotPermitted"}, 403))
    reader = client(http, server.url)

    refused = [await failure(reader.tag("t")), await failure(reader.tag("t"))]
    absent = await failure(client(http, f"http://127.0.0.1:{unused_tcp_port}").tag("t"))

    assert [reason_of(error) for error in refused] == [Reason.UNAUTHORIZED, Reason.UNAUTHORIZED]
    assert reason_of(absent) is Reason.MODEL_SERVER_UNREACHABLE
