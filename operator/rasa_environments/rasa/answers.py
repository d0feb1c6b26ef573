"""What an answer means: JSON of the promised shape, or a refusal in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from rasa_environments.rasa.errors import RasaError, Unauthorized, UnexpectedAnswer, Unreachable
from rasa_environments.rasa.redaction import one_line
from rasa_environments.rasa.transport import Answer, Peer

T = TypeVar("T")

WORDS = ("message", "detail", "reason", "error", "description")
"""Where servers put what they have to say: Rasa and Rasa X in `message`, others in one of these."""


def words(answer: Answer) -> str:
    """What the server itself says about a refusal, on one line and without secrets; empty where it says nothing."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        text = answer.body.decode("utf-8", "replace")
        return "" if looks_like_web_page(answer) else one_line(text, answer.request.secrets)
    if not isinstance(body, dict):
        return ""
    found = next((body[key] for key in WORDS if isinstance(body.get(key), str) and body[key]), "")
    return one_line(found, answer.request.secrets)


def looks_like_web_page(answer: Answer) -> bool:
    """Whether the body is HTML."""
    return "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"


def refuse_web_page(peer: Peer, answer: Answer, promised: str) -> None:
    """Raises UnexpectedAnswer when a web page came instead of what was `promised`: from a proxy, or a login form."""
    if looks_like_web_page(answer):
        raise UnexpectedAnswer(
            f"the {peer.name} at {answer.where} answers with a web page instead of {promised}; {peer.advice}: "
            "is it the base address, without /api?"
        )


def decoded(peer: Peer, answer: Answer, shape: TypeAdapter[T], promised: str) -> T:
    """The body as `shape`. Raises UnexpectedAnswer that says what came instead of what was `promised`."""
    try:
        return shape.validate_json(answer.body)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
    refuse_web_page(peer, answer, promised)
    at = f"the {peer.name} at {answer.where}"
    if problem["type"] == "json_invalid":
        raise UnexpectedAnswer(f"{at} answers with something that is not JSON instead of {promised}; {peer.advice}")
    place = ".".join(str(part) for part in problem["loc"]) or "the top"
    detail = one_line(f"{place}: {problem['msg']}", answer.request.secrets)
    raise UnexpectedAnswer(f"{at} answers with JSON of another shape than {promised} ({detail}); {peer.advice}")


REFUSALS: Mapping[int, tuple[type[RasaError], str]] = {
    401: (Unauthorized, "it does not accept the credentials; {credentials}"),
    402: (Unauthorized, "its licence does not cover this; see the server's licence"),
    403: (Unauthorized, "the credentials do not permit this; give their user the permission"),
    404: (UnexpectedAnswer, "it has no such path; {peer}: is it the base address, without /api?"),
    502: (Unreachable, "it is not available now; see its log"),
    503: (Unreachable, "it is not available now; see its log"),
    504: (Unreachable, "it is not available now; see its log"),
}


def refusal(peer: Peer, answer: Answer, doing: str, credentials_advice: str) -> RasaError:
    """The error that a status stands for which is none of those that the caller knows."""
    said = words(answer)
    heard = (
        f"the {peer.name} at {answer.where} answers {answer.status}" + (f" ({said})" if said else "") + f" to {doing}"
    )
    if answer.status in REFUSALS:
        kind, meaning = REFUSALS[answer.status]
        message = f"{heard}: {meaning.format(credentials=credentials_advice, peer=peer.advice)}"
        return kind(message, peer.unreachable if kind is Unreachable else None)
    if answer.status >= 500:
        return UnexpectedAnswer(f"{heard}: it failed; see its log")
    return UnexpectedAnswer(f"{heard}, which its API does not promise; {peer.advice}")
