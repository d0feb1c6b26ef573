"""Each profile answers with the status codes, and at the paths, of its generation."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts

from rasa_model_server.application import create_application
from rasa_model_server.rasa_x.profiles import PROFILES, ProfileName
from rasa_model_server.settings import Settings
from tests.model_server.archives import model_file
from tests.model_server.conftest import CREDENTIALS, MODELS, READS, WRITES, ModelServer, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES: list[ProfileName] = ["ModelServer", "RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0"]

WRITTEN: dict[ProfileName, dict[str, int]] = {
    "ModelServer": {
        "upload": 201,
        "the same again": 200,
        "another of that name": 409,
        "no model": 400,
        "tag": 204,
        "untag": 204,
        "delete": 204,
    },
    "RasaX-0.2": {
        "upload": 204,
        "the same again": 404,
        "another of that name": 404,
        "no model": 404,
        "tag": 200,
        "untag": 200,
        "delete": 204,
    },
    "RasaX-0.32": {
        "upload": 201,
        "the same again": 409,
        "another of that name": 409,
        "no model": 400,
        "tag": 204,
        "untag": 204,
        "delete": 204,
    },
    "RasaEnterprise-1.0": {
        "upload": 201,
        "the same again": 409,
        "another of that name": 409,
        "no model": 400,
        "tag": 204,
        "untag": 204,
        "delete": 204,
    },
}


Servers = Mapping[ProfileName, ModelServer]


def as_profile(name: ProfileName) -> Settings:
    return Settings(storage="memory://", credentials=CREDENTIALS, port=0, profile=PROFILES[name])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers() -> AsyncIterator[Servers]:
    """A server of each profile. Each test gives its models names of its own."""
    async with contextlib.AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(running(as_profile(name))) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
async def test_models_and_tags_are_written_with_the_codes_of_the_generation(
    servers: Servers, name: ProfileName
) -> None:
    server = servers[name]
    answers = {
        "upload": await server.upload("a"),
        "the same again": await server.upload("a"),
        "another of that name": await server.upload("a", model_file("another")),
        "no model": await server.upload("b", b"no model"),
        "tag": await server.put_tag("a", "production"),
        "untag": await server.delete_tag("a", "production"),
        "delete": await server.delete("a"),
    }

    assert {what: answer.status_code for what, answer in answers.items()} == WRITTEN[name]
    assert (answers["upload"].content == b"") == (WRITTEN[name]["upload"] == 204)


PULLED: dict[ProfileName, dict[str, int]] = {
    "ModelServer": {"/api/projects/default": 200, "/projects/default": 200, "/api": 200},
    "RasaX-0.2": {"/api/projects/default": 200, "/projects/default": 200, "/api": 404},
    "RasaX-0.32": {"/api/projects/default": 200, "/projects/default": 200, "/api": 404},
    "RasaEnterprise-1.0": {"/api/projects/default": 200, "/projects/default": 404, "/api": 404},
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_tag_is_pulled_where_the_generation_has_it(servers: Servers, name: ProfileName) -> None:
    server = servers[name]
    await server.upload("pulled")
    await server.put_tag("pulled", "pulled")
    statuses = {
        base: (await server.client.get(f"{base}/models/tags/pulled", params=READS)).status_code for base in PULLED[name]
    }

    assert statuses == PULLED[name]


ENVIRONMENTS: dict[ProfileName, tuple[int, int]] = {
    "ModelServer": (200, 201),
    "RasaX-0.2": (400, 405),
    "RasaX-0.32": (400, 405),
    "RasaEnterprise-1.0": (200, 201),
}


@pytest.mark.parametrize("name", NAMES)
async def test_environments_are_put_to_the_api_only_where_the_generation_takes_them(
    servers: Servers, name: ProfileName
) -> None:
    server = servers[name]
    headers = await server.log_in()
    listed = await server.client.get("/api/environments", headers=headers)
    put = await server.client.put("/api/environments", json=[], headers=headers)

    assert (listed.status_code, put.status_code) == ENVIRONMENTS[name]


@pytest.mark.parametrize(("name", "status"), [(name, 403 if name == "ModelServer" else 401) for name in NAMES])
async def test_a_right_credential_of_another_kind_is_refused_with_the_code_of_the_generation(
    servers: Servers, name: ProfileName, status: int
) -> None:
    server = servers[name]
    tagged = await server.client.put(f"{MODELS}/a/tags/t", params=READS)
    uploaded = await server.client.post(MODELS, params=READS)
    listed = await server.client.get("/api/environments", params=WRITES)
    configuration = await server.client.get("/api/config", params=WRITES)

    assert {answer.status_code for answer in (tagged, uploaded, listed, configuration)} == {status}
    assert tagged.json()["message"] == (
        "the service token (?token=) may not write models and tags: "
        "this takes an api token (?api_token=) or a JWT from /api/auth (Authorization: Bearer)"
    )


CHAT: dict[ProfileName, dict[str, int]] = {
    "ModelServer": {"/api": 404, "": 404},
    "RasaX-0.2": {"/api": 401, "": 401},
    "RasaX-0.32": {"/api": 401, "": 401},
    "RasaEnterprise-1.0": {"/api": 401, "": 404},
}


@pytest.mark.parametrize("name", NAMES)
async def test_an_assistant_is_talked_to_where_the_generation_has_it(servers: Servers, name: ProfileName) -> None:
    server = servers[name]
    statuses = {
        base: (await server.client.post(f"{base}/conversations/ann/messages", json={})).status_code
        for base in CHAT[name]
    }

    assert statuses == CHAT[name]


@pytest.mark.parametrize("name", NAMES)
async def test_every_route_of_a_profile_is_in_its_document(servers: Servers, name: ProfileName) -> None:
    routes = iter_route_contexts(create_application(as_profile(name)).routes)
    server = servers[name]
    document = (await server.client.get("/openapi.json")).json()

    assert {route.path for route in routes} == document["paths"].keys()
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references <= document["components"]["schemas"].keys()


RASA_X: list[ProfileName] = ["RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0"]


@pytest.mark.parametrize("name", RASA_X)
async def test_the_configuration_makes_rasa_x_pull_the_tag_that_its_variables_name(
    servers: Servers, name: ProfileName
) -> None:
    server = servers[name]
    answer = await server.client.get("/api/config", params=READS)

    assert answer.json() == {
        "endpoints": (
            "models:\n  url: ${RASA_MODEL_SERVER}\n  token: ${RASA_X_TOKEN}\n  wait_time_between_pulls: 10\n"
        ),
        "credentials": "rasa:\n  url: ${RASA_X_HOST}/api\n",
    }


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("RasaX-0.2", {"rasa": {}, "rasa-x": "0.28.0", "enterprise": False}),
        ("RasaX-0.32", {"rasa": {}, "rasa-x": "0.32.0", "enterprise": False}),
        ("RasaEnterprise-1.0", {"rasa": {}, "rasa-x": "1.0.0", "enterprise": True}),
    ],
)
async def test_a_profile_of_rasa_x_says_which_it_stands_for(
    servers: Servers, name: ProfileName, version: dict[str, object]
) -> None:
    server = servers[name]
    health = await server.client.get("/api/health")
    answer = await server.client.get("/api/version")

    assert (health.json(), answer.json()) == ({}, version)


async def test_a_refused_upload_says_why_whatever_its_code(servers: Servers) -> None:
    server = servers["RasaX-0.2"]
    assert_reason(await refused(server), "BadModel")


async def refused(server: ModelServer) -> dict[str, object]:
    answer: dict[str, object] = (await server.upload("b", b"no model")).json()
    return answer


def assert_reason(answer: dict[str, object], reason: str) -> None:
    assert (answer["reason"], answer["code"]) == (reason, 404)
    assert str(answer["message"]).startswith("the file is not a model: ")
