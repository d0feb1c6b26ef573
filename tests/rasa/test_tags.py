"""Tags: pulled as a Rasa server pulls, set and removed with a user's credentials."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from aiohttp import web

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import detailed_message_of, message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import (
    NoWriteCredentialsError,
    TagRefusedError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnknownModelError,
    WriteCredentialsRejectedError,
)
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.pulls import TagAnswer

from .conftest import ScriptedServer, replies, says

PULL = "/api/projects/default/models/tags/production"
PUT = "/api/projects/default/models/20260101-120000/tags/production"
READ = Credentials(token="service-token")
API_TOKEN = Credentials(token="service-token", api_token="user-token")
LOGIN = Credentials(username="admin", password="letmein")


def client(http: httpx.AsyncClient, url: str, credentials: Credentials) -> ModelServerClient:
    """A client of the default project."""
    return ModelServerClient(http, ModelServerAddress(url), credentials)


@pytest.mark.parametrize("etag", ["abc", '"abc"', 'W/"abc"'])
async def test_a_tag_answers_with_its_hash(server: ScriptedServer, http: httpx.AsyncClient, etag: str) -> None:
    server.answer("HEAD", PULL, replies(ETag=etag, filename="20260101-120000.tar.gz"))

    answer = await client(http, server.url, API_TOKEN).tag("production")

    assert answer == TagAnswer("abc", "20260101-120000.tar.gz")


async def test_a_tag_is_asked_for_as_a_rasa_server_asks(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", PULL, replies(ETag="abc"))

    await client(http, server.url, API_TOKEN).tag("production")

    asked = server.asked[0]
    assert asked.query == {"token": "service-token"}
    assert "Authorization" not in asked.headers
    assert len(asked.headers["If-None-Match"]) == 32


async def test_a_server_that_knows_no_head_is_asked_by_get(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", PULL, replies(status=405))
    server.answer("GET", PULL, replies("a model", ETag="abc"))

    assert await client(http, server.url, READ).tag("production") == TagAnswer("abc")


async def test_a_tag_that_no_model_carries_is_none(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    assert await client(http, server.url, READ).tag("production") is None


async def test_a_model_path_of_ones_own_is_pulled(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", "/x/models/blue/green", replies(ETag="abc"))
    address = ModelServerAddress(f"{server.url}/x/", "blue", "/models/{project}/{tag}")

    assert await ModelServerClient(http, address, READ).tag("green") == TagAnswer("abc")


def test_no_name_leads_out_of_its_path() -> None:
    address = ModelServerAddress("http://rasa-x:5002/", "../..")

    assert address.tag_url("a/b?c") == "http://rasa-x:5002/api/projects/..%2F../models/tags/a%2Fb%3Fc"


async def test_a_model_without_an_etag_is_told_for_rasa_drops_it(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("HEAD", PULL, replies())

    with pytest.raises(UnexpectedAnswerError, match="with no ETag: Rasa drops such a model"):
        await client(http, server.url, READ).tag("production")


@pytest.mark.parametrize("etag", ["h" * 129, "two words", "x" * 20_000, "\xff"])
async def test_a_hash_that_is_none_is_not_repeated(server: ScriptedServer, http: httpx.AsyncClient, etag: str) -> None:
    server.answer("HEAD", PULL, replies(ETag=etag))

    with pytest.raises(UnexpectedAnswerError, match="with an ETag that is no hash of a model") as caught:
        await client(http, server.url, READ).tag("production")

    assert etag not in detailed_message_of(caught.value)


async def test_a_file_name_that_is_no_name_of_a_model_is_not_heeded(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("HEAD", PULL, replies(ETag="abc", filename="x" * 300 + ".tar.gz"))

    assert await client(http, server.url, READ).tag("production") == TagAnswer("abc")


async def test_a_refused_pull_token_is_told(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", PULL, replies(status=401))

    with pytest.raises(UnauthorizedError, match="answers 401 to the pull of tag production"):
        await client(http, server.url, READ).tag("production")


async def test_a_redirect_on_the_same_server_is_followed(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", PULL, replies(status=307, Location="/moved?token=service-token"))
    server.answer("HEAD", "/moved", replies(ETag="abc"))

    assert await client(http, server.url, READ).tag("production") == TagAnswer("abc")
    assert server.asked[-1].query == {"token": "service-token"}


async def test_a_redirect_in_a_circle_is_given_up(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("HEAD", PULL, replies(status=302, Location=PULL))

    with pytest.raises(UnexpectedAnswerError, match="redirects in a circle"):
        await client(http, server.url, READ).tag("production")


async def test_credentials_do_not_follow_a_redirect_elsewhere(
    server: ScriptedServer, http: httpx.AsyncClient, unused_tcp_port: int
) -> None:
    elsewhere = f"http://127.0.0.1:{unused_tcp_port}/login"
    server.answer("HEAD", PULL, replies(status=302, Location=f"{elsewhere}?token=service-token"))

    with pytest.raises(UnexpectedAnswerError) as caught:
        await client(http, server.url, READ).tag("production")

    assert f"redirects to http://127.0.0.1:{unused_tcp_port}, where its credentials" in message_of(caught.value)


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_a_tag_is_put_with_the_api_token(server: ScriptedServer, http: httpx.AsyncClient, status: int) -> None:
    server.answer("PUT", PUT, replies(status=status))

    await client(http, server.url, API_TOKEN).put_tag("20260101-120000", "production")

    assert [(asked.method, asked.query) for asked in server.asked] == [("PUT", {"api_token": "user-token"})]


async def test_a_user_logs_in_once_for_all_writes(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", "/api/auth", says({"access_token": "jwt-1"}))
    server.answer("PUT", PUT, replies(status=204))
    writer = client(http, server.url, LOGIN)

    await asyncio.gather(*(writer.put_tag("20260101-120000", "production") for _ in range(3)))

    logins = [asked for asked in server.asked if asked.path == "/api/auth"]
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    assert [login.body for login in logins] == [b'{"username":"admin","password":"letmein"}']
    assert [put.headers["Authorization"] for put in puts] == ["Bearer jwt-1"] * 3


async def test_an_expired_login_is_renewed_once(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", "/api/auth", says({"access_token": "jwt-1"}), says({"access_token": "jwt-2"}))

    async def only_jwt_2(request: web.Request) -> web.StreamResponse:
        return web.Response(status=204 if request.headers["Authorization"] == "Bearer jwt-2" else 401)

    server.answer("PUT", PUT, only_jwt_2)

    await client(http, server.url, LOGIN).put_tag("20260101-120000", "production")

    assert [asked.path for asked in server.asked] == ["/api/auth", PUT, "/api/auth", PUT]


async def test_a_login_that_stays_refused_is_not_repeated_for_ever(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("POST", "/api/auth", says({"access_token": "jwt"}))
    server.answer("PUT", PUT, replies(status=401))

    with pytest.raises(WriteCredentialsRejectedError):
        await client(http, server.url, LOGIN).put_tag("20260101-120000", "production")

    assert len(server.asked) == 4


async def test_a_wrong_password_is_told_at_the_login(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer(
        "POST", "/api/auth", says({"message": "Wrong credentials.", "reason": "WrongCredentials"}, status=401)
    )

    with pytest.raises(UnauthorizedError, match=r"/api/auth answers 401 \(WrongCredentials\) to the login"):
        await client(http, server.url, LOGIN).put_tag("20260101-120000", "production")


@pytest.mark.parametrize("credentials", [Credentials(), READ, Credentials(username="admin")])
async def test_without_credentials_that_write_nothing_is_sent(
    server: ScriptedServer, http: httpx.AsyncClient, credentials: Credentials
) -> None:
    with pytest.raises(NoWriteCredentialsError) as caught:
        await client(http, server.url, credentials).put_tag("20260101-120000", "production")

    assert reason_of(caught.value) is Reason.NO_WRITE_CREDENTIALS
    assert message_of(caught.value) == (
        f"the model server at {server.url} takes no tags or models without credentials; add `apiToken`, or `username` "
        "and `password`, to the Secret of credentialsSecretRef"
    )
    assert server.asked == []


async def test_an_unknown_model_comes_with_the_reason_that_the_server_gives(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("PUT", PUT, says({"message": "Model is not compatible.", "reason": "ModelTagError"}, status=404))

    with pytest.raises(UnknownModelError) as caught:
        await client(http, server.url, API_TOKEN).put_tag("20260101-120000", "production")

    assert reason_of(caught.value) is Reason.MODEL_NOT_FOUND
    assert (caught.value.status, caught.value.said) == (404, "ModelTagError")
    assert message_of(caught.value) == (
        f"the model server at {server.url}{PUT} has no model 20260101-120000 that can carry tag production "
        "(ModelTagError); upload it, or name one that it lists"
    )


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_refused_tag_is_told_with_its_reason(
    server: ScriptedServer, http: httpx.AsyncClient, status: int
) -> None:
    server.answer("PUT", PUT, says({"reason": "TagReserved", "detail": "reserved"}, status=status))
    server.answer("DELETE", PUT, says({"reason": "TagReserved", "detail": "reserved"}, status=status))
    writer = client(http, server.url, API_TOKEN)

    with pytest.raises(TagRefusedError, match=rf"refuses tag production for model 20260101-120000 \({status} TagRes"):
        await writer.put_tag("20260101-120000", "production")
    with pytest.raises(
        TagRefusedError, match=rf"refuses to take tag production from model 20260101-120000 \({status} TagRes"
    ):
        await writer.delete_tag("20260101-120000", "production")


@pytest.mark.parametrize("status", [200, 204, 404])
async def test_a_tag_that_is_gone_is_gone(server: ScriptedServer, http: httpx.AsyncClient, status: int) -> None:
    server.answer("DELETE", PUT, replies(status=status))

    await client(http, server.url, API_TOKEN).delete_tag("20260101-120000", "production")

    assert server.asked[0].method == "DELETE"


async def test_the_credentials_to_write_are_checked_by_reading(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/api/projects/default/models", says([]), replies(status=401))
    writer = client(http, server.url, API_TOKEN)

    await writer.check_write()
    with pytest.raises(WriteCredentialsRejectedError):
        await writer.check_write()
