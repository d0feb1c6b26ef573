"""Messages to a Rasa server, and what it keeps of the conversation, as 1.x and 3.x report it."""

from __future__ import annotations

import httpx
import pytest

from rasa_environments.rasa.conversations import MAXIMUM_REPLY_BODY, forget, say
from rasa_environments.rasa.errors import AnswerTooLargeError, UnauthorizedError, UnexpectedAnswerError, WrongPathError
from rasa_environments.rasa.replies import LONGEST_REACTION, MAXIMUM_REPLIES, Reaction, Slot

from .conftest import ScriptedServer, says

TOKEN = "0123456789abcdef"
WEBHOOK = "/webhooks/rest/webhook"
TRACKER = "/conversations/verification-1/tracker"
EARLIER = [
    {"event": "action", "name": "action_session_start"},
    {"event": "slot", "name": "old", "value": 1},
    {"event": "user", "text": "hi"},
]


async def talk(server: ScriptedServer, http: httpx.AsyncClient, *, with_events: bool = False) -> Reaction:
    """Say hello."""
    return await say(http, server.url, "verification-1", "hello", token=TOKEN, with_events=with_events)


async def test_a_message_goes_to_the_rest_channel_without_a_token(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("POST", WEBHOOK, says([{"text": "Hi."}, {"image": "http://x/y.png"}, {"custom": {"a": 1}}]))

    assert await talk(server, http) == Reaction(("Hi.", "http://x/y.png", "[no text]"))
    assert len(server.asked) == 1
    assert server.asked[0].query == {}


async def test_rasa_3_names_responses_in_its_replies(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", WEBHOOK, says([{"text": "Hi."}]))
    events = [
        *EARLIER,
        {"event": "slot", "name": "topic", "value": "greeting"},
        {"event": "action", "name": "action_greet"},
        {"event": "bot", "text": "Hi.", "metadata": {"utter_action": "utter_greet"}},
        {"event": "action", "name": "action_listen"},
    ]
    server.answer("GET", TRACKER, says({"sender_id": "verification-1", "events": events}))

    reaction = await talk(server, http, with_events=True)

    assert reaction == Reaction(("Hi.",), ("utter_greet",), (Slot("topic", "greeting"),), ("action_greet",))
    assert server.asked[1].query == {"token": TOKEN, "include_events": "AFTER_RESTART"}


async def test_rasa_1_names_them_as_actions(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", WEBHOOK, says([{"text": "Hi."}]))
    events = [*EARLIER, {"event": "action", "name": "utter_greet"}, {"event": "bot", "text": "Hi.", "metadata": {}}]
    server.answer("GET", TRACKER, says({"events": events}))

    assert (await talk(server, http, with_events=True)).utterances == ("utter_greet",)


async def test_of_a_bot_that_says_nothing_the_actions_that_it_ran_are_read(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("POST", WEBHOOK, says([]))
    ran = [{"event": "action", "name": name} for name in ("utter_wait", "action_greet", "action_listen")]
    server.answer("GET", TRACKER, says({"events": [*EARLIER, *ran]}))

    reaction = await talk(server, http)

    assert (reaction.replies, reaction.actions) == ((), ("action_greet",))


async def test_a_server_without_the_rest_channel_is_an_error(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", WEBHOOK, says({"status": "failure"}, status=404))

    with pytest.raises(WrongPathError):
        await talk(server, http)


async def test_a_rejected_token_is_an_error(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", WEBHOOK, says([]))
    server.answer("GET", TRACKER, says({"reason": "NotAuthenticated"}, status=401))

    with pytest.raises(UnauthorizedError):
        await talk(server, http, with_events=True)


async def test_what_is_read_of_an_answer_is_limited(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("POST", WEBHOOK, says([{"text": "x" * 5000}] + [{"text": "y"}] * 200))
    reaction = await talk(server, http)
    assert len(reaction.replies) == MAXIMUM_REPLIES
    assert len(reaction.replies[0]) == 4096

    server.answer("POST", WEBHOOK, says([{"text": "x" * 4096}] * 50))
    assert sum(map(len, (await talk(server, http)).replies)) == LONGEST_REACTION

    server.answer("POST", WEBHOOK, says([{"text": "x" * MAXIMUM_REPLY_BODY}]))
    with pytest.raises(AnswerTooLargeError):
        await talk(server, http)


@pytest.mark.parametrize("answer", [{}, "hi", [1], None])
async def test_another_shape_is_an_error(server: ScriptedServer, http: httpx.AsyncClient, answer: object) -> None:
    server.answer("POST", WEBHOOK, says(answer))

    with pytest.raises(UnexpectedAnswerError):
        await talk(server, http)


async def test_rasa_pro_deletes_a_conversation(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("DELETE", TRACKER, says(None, status=204))

    await forget(http, server.url, "verification-1", token=TOKEN)

    assert [(each.method, each.query) for each in server.asked] == [("DELETE", {"token": TOKEN})]


@pytest.mark.parametrize("status", [404, 405])
async def test_where_it_cannot_be_deleted_a_conversation_is_replaced_by_an_empty_one(
    status: int, server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("DELETE", TRACKER, says({"message": "not allowed"}, status=status))
    server.answer("PUT", f"{TRACKER}/events", says({"events": []}))

    await forget(http, server.url, "verification-1", token=TOKEN)

    assert (server.asked[1].path, server.asked[1].body) == (f"{TRACKER}/events", b"[]")
    assert server.asked[1].query == {"token": TOKEN}


async def test_a_conversation_that_stays_is_an_error(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("DELETE", TRACKER, says({"reason": "NotAuthenticated"}, status=401))

    with pytest.raises(UnauthorizedError):
        await forget(http, server.url, "verification-1", token=TOKEN)
