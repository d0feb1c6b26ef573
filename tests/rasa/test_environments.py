"""The registry of environments: read and written as a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import message_of, reason_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.environments import LISTING, EnvironmentRegistry, RegisteredEnvironment
from rasa_environments.rasa.errors import (
    LicenceError,
    NoRegistryError,
    NotPermittedError,
    NoWriteCredentialsError,
    RasaError,
    RegistrationCredentialsRejectedError,
    RegistrationRefusedError,
    ServerFailedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
    WrongPathError,
)
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.transport import http_client

from .conftest import Handler, ScriptedServer, replies, says

ENVIRONMENTS = "/api/environments"
LOGIN = Credentials(token="service-token", username="admin", password="letmein")
API_TOKEN = Credentials(token="service-token", api_token="user-token")
PRODUCTION = RegisteredEnvironment("production", "http://rasa-production:5005", "token-of-production")
WORKER = RegisteredEnvironment("worker", "http://rasa-worker:5005", "token-of-worker")
NO_REGISTRY = (
    "keeps no registry: Rasa X before 1.0 takes environments from environments.yml alone, at its start; "
    "if it is one, set `registration: File` in the ModelServer"
)


def registry(http: httpx.AsyncClient, url: str, credentials: Credentials = LOGIN) -> EnvironmentRegistry:
    """The registry of a model server."""
    return ModelServerClient(http, ModelServerAddress(url), credentials).environments


def listed(*entries: RegisteredEnvironment) -> list[dict[str, JsonValue]]:
    """The entries as JSON."""
    return [entry.as_json() for entry in entries]


@pytest.fixture
def rasa_x(server: ScriptedServer) -> ScriptedServer:
    """A server that accepts the login, and knows production and worker."""
    server.answer("POST", "/api/auth", says({"access_token": "jwt"}))
    server.answer("GET", ENVIRONMENTS, says(listed(PRODUCTION, WORKER)))
    server.answer("PUT", ENVIRONMENTS, says([], status=201))
    return server


async def test_every_environment_is_read_with_its_url_and_token(
    rasa_x: ScriptedServer, http: httpx.AsyncClient
) -> None:
    assert await registry(http, rasa_x.url).read() == (PRODUCTION, WORKER)


async def test_a_user_who_can_log_in_does(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    both = Credentials(api_token="user-token", username="admin", password="letmein")

    await registry(http, rasa_x.url, both).read()

    assert rasa_x.asked[-1].headers["Authorization"] == "Bearer jwt"
    assert rasa_x.asked[-1].query == {}


async def test_the_login_is_shared_with_the_other_calls(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    rasa_x.answer("PUT", "/api/projects/default/models/m/tags/production", replies(status=204))
    client = ModelServerClient(http, ModelServerAddress(rasa_x.url), LOGIN)

    await client.put_tag("m", "production")
    await client.environments.read()

    assert [asked.path for asked in rasa_x.asked].count("/api/auth") == 1


async def test_an_expired_login_is_renewed_and_the_list_sent_again(
    rasa_x: ScriptedServer, http: httpx.AsyncClient
) -> None:
    rasa_x.answer("POST", "/api/auth", says({"access_token": "jwt-1"}), says({"access_token": "jwt-2"}))
    rasa_x.answer("PUT", ENVIRONMENTS, replies(status=401), replies(status=201))

    await registry(http, rasa_x.url).replace([PRODUCTION])

    assert rasa_x.asked[-1].headers["Authorization"] == "Bearer jwt-2"
    assert json.loads(rasa_x.asked[-1].body) == listed(PRODUCTION)


async def test_without_a_login_the_api_token_is_tried(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    await registry(http, rasa_x.url, API_TOKEN).read()

    assert [asked.query for asked in rasa_x.asked] == [{"api_token": "user-token"}]


@pytest.mark.parametrize("credentials", [Credentials(), Credentials(token="service-token")])
async def test_without_credentials_it_is_said_that_registering_wants_a_login(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, credentials: Credentials
) -> None:
    with pytest.raises(NoWriteCredentialsError) as caught:
        await registry(http, rasa_x.url, credentials).read()

    assert message_of(caught.value) == (
        f"the model server at {rasa_x.url} registers no environments without credentials; "
        "add `username` and `password` to the Secret of credentialsSecretRef"
    )
    assert rasa_x.asked == []


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_the_list_is_written_as_a_whole(rasa_x: ScriptedServer, http: httpx.AsyncClient, status: int) -> None:
    rasa_x.answer("PUT", ENVIRONMENTS, replies(status=status))

    await registry(http, rasa_x.url).replace([WORKER, PRODUCTION])

    assert json.loads(rasa_x.asked[-1].body) == [
        {"name": "worker", "url": "http://rasa-worker:5005", "token": "token-of-worker"},
        {"name": "production", "url": "http://rasa-production:5005", "token": "token-of-production"},
    ]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)
ENTRIES = st.lists(
    st.builds(
        lambda known, token, extra: {**extra, **known, **token},
        st.fixed_dictionaries({"name": st.text(), "url": st.text()}),
        st.sampled_from([{}, {"token": None}]) | st.builds(lambda token: {"token": token}, st.text()),
        st.dictionaries(st.text(), JSON_VALUES, max_size=2),
    ),
    max_size=2,
)


@given(entries=ENTRIES)
def test_what_others_registered_goes_back_as_it_came(entries: list[dict[str, JsonValue]]) -> None:
    read = [entry.registered() for entry in LISTING.validate_json(json.dumps(entries))]

    assert json.dumps([entry.as_json() for entry in read], sort_keys=True) == json.dumps(entries, sort_keys=True)


def test_what_an_entry_holds_besides_makes_it_no_other_one() -> None:
    known = RegisteredEnvironment("production", PRODUCTION.url, PRODUCTION.token, {"color": "blue"})

    assert known == PRODUCTION


def test_neither_a_token_nor_what_is_unknown_is_shown() -> None:
    entry = RegisteredEnvironment("production", "http://rasa:5005", "its-token", {"password": "its-password"})

    assert repr(entry) == "RegisteredEnvironment(name='production', url='http://rasa:5005')"


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_list_that_the_registry_refuses_is_told_with_its_reason(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, status: int
) -> None:
    said = f"'Pro duction' with token {PRODUCTION.token} is no name for an environment"
    rasa_x.answer("PUT", ENVIRONMENTS, says({"message": said, "reason": "BadRequest"}, status=status))

    with pytest.raises(RegistrationRefusedError) as caught:
        await registry(http, rasa_x.url).replace([PRODUCTION, WORKER])

    assert reason_of(caught.value) is Reason.REGISTRATION_REFUSED
    assert message_of(caught.value) == (
        f"the model server at {rasa_x.url}/api/environments refuses the registration of production, worker "
        f"({status} BadRequest); see its log, then correct the environment or rename it"
    )
    assert caught.value.detail == "'Pro duction' with token *** is no name for an environment"


async def test_a_refusal_without_words_gives_the_status(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    rasa_x.answer("PUT", ENVIRONMENTS, replies(status=422))

    with pytest.raises(RegistrationRefusedError, match=r"refuses the registration of no environment \(422\)"):
        await registry(http, rasa_x.url).replace([])


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_generation_without_a_registry_is_told_with_what_it_has_instead(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, status: int
) -> None:
    rasa_x.answer("GET", ENVIRONMENTS, says({"message": "no such path"}, status=status))
    rasa_x.answer("PUT", ENVIRONMENTS, says({"message": "no such path"}, status=status))
    at = f"the model server at {rasa_x.url}/api/environments answers {status}"

    with pytest.raises(NoRegistryError) as reading:
        await registry(http, rasa_x.url).read()
    with pytest.raises(NoRegistryError) as writing:
        await registry(http, rasa_x.url).replace([WORKER])

    assert message_of(reading.value) == f"{at} to the listing of environments but {NO_REGISTRY}"
    assert message_of(writing.value) == f"{at} to the registration of worker but {NO_REGISTRY}"


async def test_a_generation_that_shows_its_environments_file_has_no_registry(
    rasa_x: ScriptedServer, http: httpx.AsyncClient
) -> None:
    rasa_x.answer("GET", ENVIRONMENTS, says({"environments": "rasa:\n  production: {token: file-token}\n"}))

    with pytest.raises(RegistrationRefusedError) as caught:
        await registry(http, rasa_x.url).read()

    assert NO_REGISTRY in message_of(caught.value)
    assert "file-token" not in message_of(caught.value)


async def test_a_generation_whose_environments_file_is_missing_says_so(
    rasa_x: ScriptedServer, http: httpx.AsyncClient
) -> None:
    rasa_x.answer("GET", ENVIRONMENTS, says({"message": "could not find environment settings"}, status=400))

    with pytest.raises(RegistrationRefusedError) as caught:
        await registry(http, rasa_x.url).read()

    assert message_of(caught.value) == (
        f"the model server at {rasa_x.url}/api/environments refuses the listing of environments (400): "
        "Rasa X before 1.0 takes environments from environments.yml alone, at its start; "
        "if it is one, set `registration: File` in the ModelServer"
    )


async def failures(environments: EnvironmentRegistry) -> Iterable[RasaError]:
    """The errors of a reading and of a writing."""
    with pytest.raises(RasaError) as reading:
        await environments.read()
    with pytest.raises(RasaError) as writing:
        await environments.replace([PRODUCTION, WORKER])
    return reading.value, writing.value


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (
            401,
            RegistrationCredentialsRejectedError,
            "it does not accept the credentials; check `username` and `password` in the Secret of",
        ),
        (402, LicenceError, "answers 402 (LicenseNeeded) to the"),
        (402, LicenceError, "its licence does not cover this; see the server's licence"),
        (403, NotPermittedError, "the credentials do not permit this; give their user the permission"),
        (500, ServerFailedError, "it failed; see its log"),
        (503, UnavailableError, "it is not available now; see its log"),
    ],
)
async def test_each_other_refusal_says_what_it_means(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, status: int, kind: type[RasaError], said: str
) -> None:
    for method in ("GET", "PUT"):
        rasa_x.answer(
            method, ENVIRONMENTS, says({"message": "a licence is needed", "reason": "LicenseNeeded"}, status=status)
        )

    for error in await failures(registry(http, rasa_x.url)):
        assert type(error) is kind
        assert said in message_of(error)


async def test_a_web_page_is_neither_a_list_nor_a_registration(rasa_x: ScriptedServer, http: httpx.AsyncClient) -> None:
    page = replies("<html>Welcome</html>", content_type="text/html")
    for method in ("GET", "PUT"):
        rasa_x.answer(method, ENVIRONMENTS, page)

    reading, writing = await failures(registry(http, rasa_x.url))

    assert [type(reading), type(writing)] == [WrongPathError, WrongPathError]
    assert "answers with a web page instead of a list of environments; check `url`" in message_of(reading)
    assert "answers with a web page instead of taking the registration; check `url`" in message_of(writing)


@pytest.mark.parametrize(
    "entries",
    [
        [{"name": "x" * 254, "url": "http://x"}],
        [{"name": "x", "url": "http://" + "x" * 2048}],
        [{"name": "x", "url": "http://x", "token": "x" * 8193}],
        [{"name": f"x{number}", "url": "http://x"} for number in range(1001)],
    ],
    ids=["name", "url", "token", "number"],
)
async def test_a_registry_beyond_its_limits_is_left_alone(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, entries: list[object]
) -> None:
    rasa_x.answer("GET", ENVIRONMENTS, says(entries))

    with pytest.raises(UnexpectedAnswerError):
        await registry(http, rasa_x.url).read()


@pytest.mark.parametrize(
    "body", [{"a": 1}, [3], [{"name": "production"}], [{"name": "production", "url": "u", "token": 3}]]
)
async def test_a_list_of_another_shape_is_not_taken_for_one(
    rasa_x: ScriptedServer, http: httpx.AsyncClient, body: object
) -> None:
    rasa_x.answer("GET", ENVIRONMENTS, says(body))

    with pytest.raises(UnexpectedAnswerError, match="JSON of another shape than a list of environments"):
        await registry(http, rasa_x.url).read()


async def test_a_rasa_x_that_is_down(http: httpx.AsyncClient, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"

    for error in await failures(registry(http, url, API_TOKEN)):
        assert isinstance(error, UnreachableError)
        assert message_of(error) == (
            f"the model server at {url}/api/environments cannot be reached: it gives no HTTP answer; "
            "check `url` of the ModelServer"
        )


async def test_a_rasa_x_that_is_slow(rasa_x: ScriptedServer) -> None:
    ended = asyncio.Event()

    async def be_slow(_: web.Request) -> web.StreamResponse:
        await ended.wait()
        return web.Response()

    slow: Handler = be_slow
    for method in ("GET", "PUT"):
        rasa_x.answer(method, ENVIRONMENTS, slow)

    async with http_client(timeout=0.1) as http:
        errors = await failures(registry(http, rasa_x.url))
    ended.set()

    for error in errors:
        assert isinstance(error, UnreachableError)
        assert "it did not answer in time" in error.detail
