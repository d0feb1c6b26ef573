"""Conversations with a Rasa server: its REST channel, what it keeps of a conversation, and how that is deleted.

The REST channel answers without a token (rasa/core/channels/rest.py of 1.10.26 to 3.6.21); the tracker needs one.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from rasa_environments.rasa.answers import decoded, refusal
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.replies import LONGEST_REACTION, LONGEST_REPLY, MAXIMUM_REPLIES, Reaction, Slot
from rasa_environments.rasa.transport import HttpClient, Request, ask

REPLY_SECONDS: Final = 60.0
"""Seconds that a server has to answer a message, with all actions that it runs for it."""
MAXIMUM_REPLY_BODY: Final = 256 * 1024
FORGET_SECONDS: Final = 10.0
MAXIMUM_TRACKER_BODY: Final = 1024 * 1024
"""Bytes of a conversation: each message is kept with all its intents and entities."""
NO_SUCH_ROUTE: Final = frozenset({404, 405})
NO_TEXT: Final = "[no text]"
LISTEN: Final = "action_listen"
RESPONSE: Final = "utter_"
"""With what the names of responses begin."""


class _Reply(BaseModel):
    text: JsonValue = None
    image: JsonValue = None
    attachment: JsonValue = None


class _Event(BaseModel):
    event: JsonValue = None
    name: JsonValue = None
    value: JsonValue = None
    metadata: JsonValue = None


class _Tracker(BaseModel):
    events: Annotated[list[_Event], Field(max_length=10_000)] | None = None


_REPLIES = TypeAdapter(list[_Reply])
_TRACKER = TypeAdapter(_Tracker)


async def say(http: HttpClient, base_url: str, sender: str, message: str, *, token: str, with_events: bool) -> Reaction:
    """Send a message, and return how the bot reacted; `with_events` also reads what it keeps of the conversation.

    That is also read if the bot said nothing: a server whose action server is missing answers 200 without replies, and
    keeps which action it called (`_run_action` in rasa/core/processor.py of 1.10.26 to 3.6.21).

    Raises AddressRefusedError, UnauthorizedError, UnreachableError or UnexpectedAnswerError.
    """
    url = f"{base_url.rstrip('/')}/webhooks/rest/webhook"
    request = Request(
        "POST",
        url,
        json={"sender": sender, "message": message},
        maximum_body=MAXIMUM_REPLY_BODY,
        deadline=REPLY_SECONDS,
        read_timeout=REPLY_SECONDS,
        secrets=(token,),
    )
    answer = await ask(http, Peer.RASA_SERVER, request)
    if answer.status != 200:
        raise refusal(answer, "a message on its channel rest")
    replies = decoded(answer, _REPLIES, "its replies")[:MAXIMUM_REPLIES]
    texts = list(map(_text, replies))
    ends = accumulate(map(len, texts))
    reaction = Reaction(tuple(text for text, end in zip(texts, ends, strict=True) if end <= LONGEST_REACTION))
    if not with_events and replies:
        return reaction
    return await _with_events(http, base_url, sender, token, reaction)


async def _with_events(http: HttpClient, base_url: str, sender: str, token: str, reaction: Reaction) -> Reaction:
    """Return the reaction with what the events say that followed the last message.

    Rasa 2 and 3 write the name of a response into the event of the reply; Rasa 1 only names the action that uttered it.
    """
    request = Request(
        "GET",
        f"{base_url.rstrip('/')}/conversations/{quote(sender, safe='')}/tracker",
        query={"token": token, "include_events": "AFTER_RESTART"},
        maximum_body=MAXIMUM_TRACKER_BODY,
        secrets=(token,),
    )
    answer = await ask(http, Peer.RASA_SERVER, request)
    if answer.status != 200:
        raise refusal(answer, "the question for a conversation")
    events = decoded(answer, _TRACKER, "a conversation").events or []
    last = max((index for index, event in enumerate(events) if event.event == "user"), default=-1)
    uttered, named, slots = [], [], []
    for event in events[last + 1 :]:
        response = event.metadata.get("utter_action") if isinstance(event.metadata, dict) else None
        if event.event == "bot" and isinstance(response, str):
            uttered.append(response)
        elif event.event == "action" and isinstance(event.name, str):
            named.append(event.name)
        elif event.event == "slot" and isinstance(event.name, str):
            slots.append(Slot(event.name, event.value))
    actions = tuple(name for name in named if name != LISTEN and not name.startswith(RESPONSE))
    return replace(reaction, utterances=tuple(uttered or named), slots=tuple(slots), actions=actions)


async def forget(http: HttpClient, base_url: str, sender: str, *, token: str) -> None:
    """Delete what a server keeps of a conversation, as far as it can.

    Rasa Pro deletes conversations (`DELETE .../tracker` in rasa/server.py of 3.13.25 and 3.21.0; 3.11.20 lacks it).
    Open source does not; there a conversation is replaced by an empty one (`PUT .../tracker/events` of 1.10.26 to
    3.6.21), which clears it in memory, while SQL and MongoDB, and Redis from 3.x, keep the events that were stored.

    Raises AddressRefusedError, UnauthorizedError, UnreachableError or UnexpectedAnswerError.
    """
    tracker = f"{base_url.rstrip('/')}/conversations/{quote(sender, safe='')}/tracker"

    def request(method: str, url: str, json: JsonValue = None) -> Request:
        query, limit = {"token": token}, MAXIMUM_TRACKER_BODY
        return Request(
            method, url, query=query, json=json, maximum_body=limit, deadline=FORGET_SECONDS, secrets=(token,)
        )

    answer = await ask(http, Peer.RASA_SERVER, request("DELETE", tracker))
    if answer.status in NO_SUCH_ROUTE:
        answer = await ask(http, Peer.RASA_SERVER, request("PUT", f"{tracker}/events", []))
    if answer.status >= 300:
        raise refusal(answer, "the deletion of a conversation")


def _text(reply: _Reply) -> str:
    given = (value for value in (reply.text, reply.image, reply.attachment) if isinstance(value, str))
    return next(given, NO_TEXT)[:LONGEST_REPLY]
