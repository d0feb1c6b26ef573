"""Interpretation of responses: JSON of the promised schema, or an error in plain words."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from outbound_http.json_size import has_too_many_values
from rasa_environments.rasa.errors import (
    LoginPageError,
    RasaError,
    ServerFailedError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from rasa_environments.rasa.on_the_way import is_html, is_login_page, meaning
from rasa_environments.rasa.redaction import one_line
from rasa_environments.rasa.transport import Answer, Peer

T = TypeVar("T")

logger = logging.getLogger(__name__)

REASON = re.compile("[A-Z][A-Za-z]{0,63}")
"""A reason as Rasa, Rasa X and Kubernetes write it, one word in camel case: NotAuthenticated, ModelVersionError."""
WORDS = ("message", "detail", "reason", "error", "description")
"""Fields in which servers put their error messages: Rasa and Rasa X use `message`, others one of these."""


class _Refusal(BaseModel):
    reason: JsonValue = None


_REFUSAL = TypeAdapter(_Refusal)
_OBJECT = TypeAdapter(dict[str, JsonValue])


def reason_of(answer: Answer) -> str:
    """Return the server's own reason for an error, if it is a single word; else an empty string.

    Nothing else of an error response is repeated in a condition: whoever chooses the URL could otherwise read there
    what answers.
    """
    try:
        reason = _REFUSAL.validate_json(answer.body).reason
    except ValidationError:
        return ""
    secret = isinstance(reason, str) and reason in answer.request.secrets
    return reason if isinstance(reason, str) and REASON.fullmatch(reason) and not secret else ""


def words(answer: Answer) -> str:
    """Return the server's own error message, on one line and without secrets, for logs and terminals."""
    try:
        body = _OBJECT.validate_json(answer.body)
    except ValidationError:
        text = answer.body.decode("utf-8", "replace")
        return "" if looks_like_web_page(answer) else one_line(text, answer.request.secrets)
    found = next((value for key in WORDS if isinstance(value := body.get(key), str) and value), "")
    return one_line(found, answer.request.secrets)


def status_and_reason(answer: Answer) -> str:
    """Return what a condition says about an error: the status, and the server's own reason if there is one."""
    reason = reason_of(answer)
    return f"{answer.status} {reason}" if reason else str(answer.status)


def looks_like_web_page(answer: Answer) -> bool:
    """Return whether the body is HTML, or XML as buckets send it."""
    return is_html(answer) or answer.body.lstrip()[:1] == b"<"


def refuse_web_page(peer: Peer, answer: Answer, promised: str) -> None:
    """Check that the response is not a web page instead of what was `promised`.

    Raises LoginPageError or UnexpectedAnswerError.
    """
    if is_login_page(answer):
        raise LoginPageError(
            f"the {peer.name} at {answer.where} answers with a login page instead of {promised}: a proxy with a login "
            f"(single sign-on) stands before it; {peer.direct}, or let the proxy pass these requests without a login"
        )
    if looks_like_web_page(answer):
        raise UnexpectedAnswerError(
            f"the {peer.name} at {answer.where} answers with a web page instead of {promised}; {peer.advice}: "
            "is it the base address, without /api?"
        )


def decoded(peer: Peer, answer: Answer, shape: TypeAdapter[T], promised: str) -> T:
    """Return the body as `shape`. Raises UnexpectedAnswerError with what arrived instead of what was `promised`."""
    at = f"the {peer.name} at {answer.where}"
    if has_too_many_values(answer.body):
        raise UnexpectedAnswerError(f"{at} answers with too many values instead of {promised}; {peer.advice}")
    try:
        return shape.validate_json(answer.body)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    refuse_web_page(peer, answer, promised)
    if problem["type"] == "json_invalid":
        raise UnexpectedAnswerError(
            f"{at} answers with something that is not JSON instead of {promised}; {peer.advice}"
        )
    place = ".".join(str(part) for part in problem["loc"]) or "the top"
    detail = one_line(f"{place}: {problem['msg']}", answer.request.secrets)
    raise UnexpectedAnswerError(f"{at} answers with JSON of another shape than {promised} ({detail}); {peer.advice}")


UNAVAILABLE = "it is not available now; see its log"
REFUSALS: Mapping[int, tuple[type[RasaError], str]] = {
    401: (UnauthorizedError, "it does not accept the credentials; {credentials}"),
    402: (UnauthorizedError, "its licence does not cover this; see the server's licence"),
    403: (UnauthorizedError, "the credentials do not permit this; give their user the permission"),
    404: (UnexpectedAnswerError, "it has no such path; {peer}: is it the base address, without /api?"),
    502: (UnreachableError, UNAVAILABLE),
    503: (UnreachableError, UNAVAILABLE),
    504: (UnreachableError, UNAVAILABLE),
}


def refusal(peer: Peer, answer: Answer, doing: str, credentials_advice: str) -> RasaError:
    """Return the error for a status that the caller does not handle itself."""
    detail = logged_words(answer)
    reason = reason_of(answer)
    heard = f"the {peer.name} at {answer.where} answers {answer.status}{f' ({reason})' if reason else ''} to {doing}"
    found = meaning(answer) or REFUSALS.get(answer.status)
    if found is not None:
        kind, text = found
        told = text.format(credentials=credentials_advice, peer=peer.advice, direct=peer.direct, name=peer.name)
        return kind(f"{heard}: {told}", peer.unreachable if kind is UnreachableError else None, detail=detail)
    if answer.status >= 500:
        return ServerFailedError(f"{heard}: it failed; see its log", detail=detail)
    return UnexpectedAnswerError(f"{heard}, which its API does not promise; {peer.advice}", detail=detail)


def logged_words(answer: Answer) -> str:
    """Log the server's error message and return it, for the `detail` of an error."""
    said = words(answer)
    if said:
        logger.info("%s %s answers %d: %s", answer.request.method, answer.where, answer.status, said)
    return said
