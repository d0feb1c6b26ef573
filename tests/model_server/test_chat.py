"""Talking to the assistant of an environment through the model server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from httpx import Response

from rasa_model_server.rasa_x.conversation import MAXIMUM_ACTIONS
from rasa_model_server.rasa_x.profiles import PROFILES, ProfileName
from rasa_model_server.settings import Settings
from tests.model_server.conftest import CREDENTIALS, READS, WRITES, ModelServer, running
from tests.model_server.environment_files import environments_file
from tests.model_server.small_rasa import SmallRasa, answering, html, running_rasa, running_routes

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Chat:
    """A Rasa X with a production, an experimental, and a worker whose registered token is wrong."""

    server: ModelServer
    production: SmallRasa
    experimental: SmallRasa

    async def say(
        self, text: str, sender: str, path: str = "/api/conversations/{}/messages", **parameters: str
    ) -> Response:
        return await self.server.client.post(path.format(sender), json={"message": text}, params=WRITES | parameters)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """One for all tests. Each has conversations of its own."""
    async with (
        running_rasa(SmallRasa(token="token-of-production")) as production,
        running_rasa(SmallRasa(token="token-of-experimental")) as experimental,
    ):
        file = environments_file(
            tmp_path_factory.mktemp("chat"),
            production=(production.url, production.token),
            worker=(production.url, "a-wrong-token"),
            experimental=(experimental.url, experimental.token),
        )
        async with running(rasa_x("RasaX-0.32", file)) as server:
            yield Chat(server, production, experimental)


def rasa_x(name: ProfileName, file: Path | None = None) -> Settings:
    return Settings(
        storage="memory://", credentials=CREDENTIALS, port=0, profile=PROFILES[name], environments_file=file
    )


async def test_a_message_goes_to_production_and_its_answers_come_back(chat: Chat) -> None:
    answer = await chat.say("hi", "ann")

    assert (answer.status_code, answer.json()) == (
        200,
        [{"recipient_id": "ann", "text": "Hello."}, {"recipient_id": "ann", "text": "hi"}],
    )
    assert (chat.production.told.get("ann"), chat.experimental.told.get("ann")) == (["hi"], None)


async def test_a_message_for_another_environment_goes_there_with_its_token(chat: Chat) -> None:
    answer = await chat.say("hi", "bob", environment="experimental")

    assert answer.status_code == 200
    assert (chat.production.told.get("bob"), chat.experimental.told.get("bob")) == (None, ["hi"])


async def test_the_server_is_asked_until_the_assistant_listens(chat: Chat) -> None:
    await chat.say("hi", "carol")

    asked = [path for path in chat.production.asked if "/carol/" in path]
    assert [path.rpartition("/")[2] for path in asked] == ["messages", *["predict", "execute"] * 3]
    assert chat.production.to_do == []


async def test_an_assistant_that_does_not_listen_is_left_after_some_actions(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.production, "plan", ("utter_greet",) * (MAXIMUM_ACTIONS + 5))

    answer = await chat.say("hi", "dave")

    assert len(answer.json()) == MAXIMUM_ACTIONS


async def test_a_login_may_talk_and_the_service_token_may_not(chat: Chat) -> None:
    path, body = "/api/conversations/eve/messages", {"message": "hi"}
    client = chat.server.client

    by_login = await client.post(path, json=body, headers=await chat.server.log_in())
    by_service_token = await client.post(path, json=body, params=READS)

    assert (by_login.status_code, by_service_token.status_code) == (200, 401)


async def test_the_path_of_the_pages_without_api_is_answered_too(chat: Chat) -> None:
    answer = await chat.say("hi", "frank", "/conversations/{}/messages", environment="experimental")

    assert (answer.status_code, chat.experimental.told["frank"]) == (200, ["hi"])


async def test_a_token_that_the_environment_refuses_is_said_and_not_shown(chat: Chat) -> None:
    answer = await chat.say("hi", "grace", environment="worker")

    assert (answer.status_code, answer.json()["reason"], answer.json()["message"]) == (
        502,
        "MessageSendFailed",
        (
            "the message could not be sent to the environment 'worker': "
            "it refuses the token that is registered for it: register its --auth-token"
        ),
    )
    assert "grace" not in chat.production.told


async def test_an_unknown_environment_is_answered_with_those_there_are(chat: Chat) -> None:
    answer = await chat.say("hi", "heidi", environment="staging")

    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "there is no environment 'staging': those registered here are experimental, production, worker",
    )


async def test_without_environments_there_is_nobody_to_talk_to() -> None:
    async with running(rasa_x("RasaX-0.2")) as server:
        answer = await server.client.post("/api/conversations/ann/messages", json={"message": "hi"}, params=WRITES)

    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "there is no environment 'production': those registered here are none",
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "the body is wrong at message: Field required"),
        ({"message": ""}, "the body is wrong at message: String should have at least 1 character"),
    ],
)
async def test_a_body_that_is_no_message_is_refused(chat: Chat, body: object, message: str) -> None:
    answer = await chat.server.client.post("/api/conversations/ivan/messages", json=body, params=WRITES)

    assert (answer.status_code, answer.json()["message"]) == (400, message)


async def test_a_sender_cannot_leave_the_path_of_its_conversation(chat: Chat) -> None:
    answer = await chat.say("hi", "..%3Fx=1%23")

    assert answer.status_code == 200
    assert chat.production.told["..?x=1#"] == ["hi"]


async def test_a_server_that_is_no_rasa_is_said(tmp_path: Path) -> None:
    async with running_routes(answering(html)) as url:
        file = environments_file(tmp_path, production=(url, "x"), worker=(url, "x"))
        async with running(rasa_x("RasaEnterprise-1.0", file)) as server:
            answer = await server.client.post("/api/conversations/ann/messages", json={"message": "hi"}, params=WRITES)

    assert (answer.status_code, answer.json()["message"]) == (
        502,
        "the message could not be sent to the environment 'production': it does not answer as a Rasa server does",
    )
