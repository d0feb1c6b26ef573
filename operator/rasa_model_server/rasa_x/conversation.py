"""Talking to an assistant through the HTTP API of its Rasa server.

Rasa's channels (`/webhooks/...`) are not covered by `--auth-token`, and which of them there are is up to each server's
credentials.yml. The conversation API takes the token, is there wherever `--enable-api` is, and is the same in Rasa
1.10, 2.8 and 3.6: the message is added, and then the next action predicted and executed until it is to listen, as
`MessageProcessor` does it for a channel (rasa/core/processor.py).
"""

from __future__ import annotations

from urllib.parse import quote

from pydantic import BaseModel, JsonValue, TypeAdapter

from rasa_model_server.rasa_x.servers import RasaServers
from rasa_model_server.storage import EnvironmentRecord

MAXIMUM_ACTIONS = 10
"""For one message, as Rasa's own MAX_NUMBER_OF_PREDICTIONS."""

_LISTEN = "action_listen"

BotMessage = dict[str, object]


class _Score(BaseModel):
    action: str
    score: float


class _Prediction(BaseModel):
    scores: list[_Score]
    policy: str | None = None
    confidence: float | None = None


class _Executed(BaseModel):
    messages: list[BotMessage] = []


_PREDICTION = TypeAdapter(_Prediction)
_EXECUTED = TypeAdapter(_Executed)


async def send_message(servers: RasaServers, server: EnvironmentRecord, sender: str, text: str) -> list[BotMessage]:
    """Say something to the assistant, and return what it answers, as a channel would.

    Raises RasaServerError if the server does not accept the message. The conversation may have it all the same, if that
    happens midway.
    """
    conversation = f"/conversations/{quote(sender, safe='')}"
    await servers.tell(server, f"{conversation}/messages", {"text": text, "sender": "user"})
    answers: list[BotMessage] = []
    for _ in range(MAXIMUM_ACTIONS):
        prediction = await servers.ask(server, f"{conversation}/predict", _PREDICTION, {})
        if not prediction.scores:
            break
        action = max(prediction.scores, key=lambda score: score.score).action
        chosen: JsonValue = {"name": action, "policy": prediction.policy, "confidence": prediction.confidence}
        executed = await servers.ask(server, f"{conversation}/execute", _EXECUTED, chosen)
        answers += executed.messages
        if action == _LISTEN:
            break
    return answers
