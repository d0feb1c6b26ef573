"""The listing of models, in all its pages and formats."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.domain.advice import message_of
from rasa_environments.rasa import model_server
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import decoded
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import (
    LicenceError,
    ListingTimeoutError,
    ListingTooLongError,
    NoListingError,
    NotPermittedError,
    RasaError,
    ServerFailedError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from rasa_environments.rasa.listing import LISTING, MAXIMUM_TAGS, Model
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import Answer, Request

from .conftest import Handler, ScriptedServer, replies, says

MODELS = "/api/projects/default/models"
READ = Credentials(token="service-token")


def entry(name: str, *tags: str) -> dict[str, object]:
    """A model as Rasa X lists it."""
    return {
        "project": "default",
        "model": name,
        "hash": f"hash-of-{name}",
        "tags": list(tags),
        "trained_at": 1767268800.0,
        "version": "3.6.21",
        "is_compatible": True,
        "model_id": f"id-of-{name}",
    }


def pages(names: list[str], *, counted: bool) -> Handler:
    """A server with limit and offset, with or without a total count."""

    async def handler(request: web.Request) -> web.StreamResponse:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        headers = {"X-Total-Count": str(len(names))} if counted else {}
        return web.json_response([entry(name) for name in names[offset : offset + limit]], headers=headers)

    return handler


def client(http: httpx.AsyncClient, url: str, credentials: Credentials = READ) -> ModelServerClient:
    """A client of the default project."""
    return ModelServerClient(http, ModelServerAddress(url), credentials)


async def test_models_come_with_their_tags_and_hashes(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", MODELS, says([entry("a", "production", "worker"), entry("b")]))

    models = await client(http, server.url).models()

    assert models == (
        Model("a", "hash-of-a", frozenset({"production", "worker"}), 1767268800.0, "3.6.21", True, "id-of-a"),
        Model("b", "hash-of-b", frozenset(), 1767268800.0, "3.6.21", True, "id-of-b"),
    )
    assert server.asked[0].query["token"] == "service-token"
    assert len(server.asked) == 1


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
async def test_every_page_is_read(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, count: int, counted: bool
) -> None:
    monkeypatch.setattr(model_server, "PAGE_SIZE", 3)
    names = [f"model-{number}" for number in range(count)]
    server.answer("GET", MODELS, pages(names, counted=counted))

    assert [model.name for model in await client(http, server.url).models()] == names


async def test_a_server_that_knows_no_pages_is_read_once_more_at_most(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "PAGE_SIZE", 2)
    server.answer("GET", MODELS, says([entry("a"), entry("b"), entry("c")]))

    assert len(await client(http, server.url).models()) == 3
    assert len(server.asked) == 2


async def test_a_listing_without_end_is_given_up(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "PAGE_SIZE", 2)
    monkeypatch.setattr(model_server, "MAXIMUM_MODELS", 10)

    async def endless(request: web.Request) -> web.StreamResponse:
        offset = int(request.query["offset"])
        return web.json_response([entry(f"model-{offset}"), entry(f"model-{offset + 1}")])

    server.answer("GET", MODELS, endless)

    with pytest.raises(ListingTooLongError, match="lists more than 10 models, which is all that is read"):
        await client(http, server.url).models()


async def test_what_only_informs_may_have_any_shape(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    odd = {
        "model": "a.tar.gz",
        "hash": "h",
        "tags": None,
        "trained_at": "yesterday",
        "version": 3,
        "is_compatible": "no",
        "model_id": "no id",
        "uploaded_at": "just now",
    }
    server.answer("GET", MODELS, says([odd, {"model": "b", "hash": "i"}]))

    models = await client(http, server.url).models()

    assert models == (Model("a", "h", frozenset()), Model("b", "i", frozenset()))


async def test_a_listing_is_asked_for_with_what_rasa_servers_pull_with(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("GET", MODELS, says([]), says([]))

    await client(http, server.url, Credentials(token="service-token", api_token="user-token")).models()
    await client(http, server.url, Credentials(api_token="user-token")).models()

    assert server.asked[0].query["token"] == "service-token"
    assert "api_token" not in server.asked[0].query
    assert not {"token", "api_token"} & server.asked[1].query.keys()


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_that_only_answers_pulls_has_no_listing(
    server: ScriptedServer, http: httpx.AsyncClient, status: int
) -> None:
    server.answer("GET", MODELS, replies("no such path", status=status))

    with pytest.raises(NoListingError):
        await client(http, server.url).models()


async def test_a_refused_token_names_the_key_to_check(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", MODELS, says({"message": "User is not authenticated."}, status=401))

    with pytest.raises(UnauthorizedError) as caught:
        await client(http, server.url).models()

    assert message_of(caught.value) == (
        f"the model server at {server.url}/api/projects/default/models answers 401 to the "
        "listing of models: it does not accept the credentials; check `token` in the Secret of credentialsSecretRef"
    )


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (402, LicenceError, "its licence does not cover this"),
        (404, NoListingError, "it has no such path; check `url` of the ModelServer"),
        (418, UnexpectedAnswerError, "which its API does not promise"),
        (500, ServerFailedError, "it failed; see its log"),
    ],
)
async def test_each_refusal_says_what_it_means(
    server: ScriptedServer, http: httpx.AsyncClient, status: int, error: type[RasaError], said: str
) -> None:
    server.answer("GET", MODELS, replies("<h1>error</h1>", status=status, content_type="text/html"))

    with pytest.raises(error) as caught:
        await client(http, server.url).models()

    assert said in message_of(caught.value)


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (403, NotPermittedError, "the credentials do not permit this; give their user the permission"),
        (503, UnavailableError, "it is not available now; see its log"),
    ],
)
async def test_a_refusal_in_json_is_of_the_server_itself(
    server: ScriptedServer, http: httpx.AsyncClient, status: int, error: type[RasaError], said: str
) -> None:
    server.answer("GET", MODELS, says({"message": "no"}, status=status))

    with pytest.raises(error) as caught:
        await client(http, server.url).models()

    assert said in message_of(caught.value)


@pytest.mark.parametrize(
    ("text", "content_type", "said"),
    [
        ("<html>Welcome</html>", "text/html", "a web page instead of a list of models"),
        ("oops", "text/plain", "not JSON instead of a list of models"),
        ("", "application/json", "not JSON instead of a list of models"),
        ('{"models": []}', "application/json", "JSON of another shape than a list of models (the top: "),
        ('[{"model": "a"}]', "application/json", "another shape than a list of models (0.hash: Field required)"),
        ("NaN", "application/json", "JSON of another shape than a list of models"),
    ],
)
async def test_an_answer_of_another_shape_is_named(
    server: ScriptedServer, http: httpx.AsyncClient, text: str, content_type: str, said: str
) -> None:
    server.answer("GET", MODELS, replies(text, content_type=content_type))

    with pytest.raises(UnexpectedAnswerError) as caught:
        await client(http, server.url).models()

    assert said in message_of(caught.value)


async def test_a_page_that_is_too_large_is_not_read(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", MODELS, replies(json.dumps(["x" * 1024] * (9 * 1024))))

    with pytest.raises(ListingTooLongError, match="lists more than 2 MiB on a page, which is all that is read"):
        await client(http, server.url).models()


async def test_all_pages_together_have_a_limit(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "PAGE_SIZE", 1)
    monkeypatch.setattr(model_server, "MAXIMUM_LISTING", 1024**2)

    async def large(request: web.Request) -> web.StreamResponse:
        return web.json_response([entry(f"model-{request.query['offset']}") | {"more": "x" * 300_000}])

    server.answer("GET", MODELS, large)

    with pytest.raises(ListingTooLongError, match="lists more than 1 MiB"):
        await client(http, server.url).models()
    assert len(server.asked) == 4


async def test_all_pages_together_have_a_deadline(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "PAGE_SIZE", 1)
    monkeypatch.setattr(model_server, "LISTING_SECONDS", 0.5)

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.2)
        return web.json_response([entry(f"model-{request.query['offset']}")])

    server.answer("GET", MODELS, slow)

    with pytest.raises(ListingTimeoutError, match=r"has not listed its models within 0\.5 s"):
        await client(http, server.url).models()


async def test_a_listing_of_very_many_tags_is_not_kept(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    models = [entry(f"model-{number}") | {"tags": [f"{number}-{tag}" for tag in range(60)]} for number in range(90)]
    server.answer("GET", MODELS, says(models))

    with pytest.raises(ListingTooLongError, match="lists more than 5000 tags, which is all that is read"):
        await client(http, server.url).models()


async def test_a_listing_of_very_many_values_is_not_parsed(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", MODELS, replies("[" + "{}," * 300_000 + "{}]", content_type="application/json"))

    with pytest.raises(UnexpectedAnswerError, match="answers with too many values instead of a list of models"):
        await client(http, server.url).models()


@pytest.mark.parametrize("total", ["9" * 5000, "-1", "1e9", "many", "", "0x10", "\xb2"])
async def test_a_total_that_is_none_is_not_heeded(
    server: ScriptedServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, total: str
) -> None:
    monkeypatch.setattr(model_server, "PAGE_SIZE", 1)
    server.answer("GET", MODELS, says([entry("a")], 200, **{"X-Total-Count": total}), says([]))

    assert [model.name for model in await client(http, server.url).models()] == ["a"]


async def test_a_model_that_nobody_could_name_hides_no_other(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    odd = [
        entry("x" * 8_000, "staging"),
        entry("a/b"),
        entry("two\nlines"),
        entry(""),
        entry("hashless") | {"hash": "h" * 129},
        entry("eternal") | {"trained_at": 1e300, "version": "v" * 5000},
        entry("tagged", "production", "x" * 64, "", *(f"t{number}" for number in range(100))),
    ]
    server.answer("GET", MODELS, says(odd))

    models = {model.name: model for model in await client(http, server.url).models()}

    assert models.keys() == {"eternal", "tagged"}
    assert (models["eternal"].trained_at, models["eternal"].version) == (None, None)
    assert "production" in models["tagged"].tags
    assert len(models["tagged"].tags) == MAXIMUM_TAGS - 2


@pytest.mark.parametrize(
    "body",
    [
        "[" * 50_000 + "]" * 50_000,
        '[{"model": "a", "hash": "b", "x": ' + '{"a":' * 5000 + "1" + "}" * 5001 + "]",
        '[{"model": "a", "hash": "b", "trained_at": ' + "9" * 5000 + "}]",
        '[{"model": "\\ud800", "hash": "b"}]',
        '[{"model": null, "hash": "b"}]',
        '[{"model": 1e400, "hash": "b"}]',
    ],
    ids=["nested lists", "nested objects", "digits", "surrogate", "null", "number"],
)
async def test_absurd_json_is_nothing_worse_than_unexpected(
    server: ScriptedServer, http: httpx.AsyncClient, body: str
) -> None:
    server.answer("GET", MODELS, replies(body, content_type="application/json"))

    with pytest.raises(UnexpectedAnswerError):
        await client(http, server.url).models()


@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_is_answered_is_a_listing_or_unexpected(body: bytes) -> None:
    answer = Answer(Peer.MODEL_SERVER, Request("GET", "http://x"), 200, httpx.Headers(), body)

    with suppress(UnexpectedAnswerError):
        assert isinstance(decoded(answer, LISTING, "a list of models"), list)


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ({"rasa": {"production": "3.6.21"}, "rasa-x": "0.42.0", "enterprise": False}, "0.42.0"),
        ({"rasa": {}, "enterprise": "1.0.0"}, "1.0.0"),
        ({"version": "0.1.0"}, "0.1.0"),
        ({"version": "x" * 65}, None),
        ({"version": "the password is hunter2"}, None),
        ({}, None),
        ([], None),
    ],
)
async def test_the_version_is_read_where_there_is_one(
    server: ScriptedServer, http: httpx.AsyncClient, body: object, version: str | None
) -> None:
    server.answer("GET", "/api/version", says(body))

    assert await client(http, server.url).version() == version


async def test_a_server_without_a_version_has_none(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    assert await client(http, server.url).version() is None
