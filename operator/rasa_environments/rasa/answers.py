"""Interpretation of responses: JSON of the promised schema, or an error in plain words."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from outbound_http.json_size import has_too_many_values
from rasa_environments.rasa.errors import (
    LicenceError,
    LoginPageError,
    NotPermittedError,
    RasaError,
    ServerFailedError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
    WrongPathError,
)
from rasa_environments.rasa.on_the_way import Meaning, is_html, is_login_page, meaning
from rasa_environments.rasa.redaction import one_line
from rasa_environments.rasa.transport import Answer

T = TypeVar("T")
E = TypeVar("E", bound=RasaError)

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

    Nothing else of an error response is published: whoever chooses the URL could otherwise read there what answers.
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
    """Return what is published of an error response: the status, and the server's own reason if there is one."""
    reason = reason_of(answer)
    return f"{answer.status} {reason}" if reason else str(answer.status)


def looks_like_web_page(answer: Answer) -> bool:
    """Return whether the body is HTML, or XML as buckets send it."""
    return is_html(answer) or answer.body.lstrip()[:1] == b"<"


def refuse_web_page(answer: Answer, promised: str) -> None:
    """Check that the response is not a web page instead of what was `promised`.

    Raises LoginPageError or WrongPathError.
    """
    if is_login_page(answer):
        raise error_for(
            answer,
            LoginPageError,
            f"answers with a login page instead of {promised}: a proxy with a login (single sign-on) stands before it",
        )
    if looks_like_web_page(answer):
        raise error_for(answer, WrongPathError, f"answers with a web page instead of {promised}")


def decoded(answer: Answer, shape: TypeAdapter[T], promised: str) -> T:
    """Return the body as `shape`. Raises UnexpectedAnswerError with what arrived instead of what was `promised`."""
    if has_too_many_values(answer.body):
        raise error_for(answer, UnexpectedAnswerError, f"answers with too many values instead of {promised}")
    try:
        return shape.validate_json(answer.body)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    refuse_web_page(answer, promised)
    if problem["type"] == "json_invalid":
        raise error_for(answer, UnexpectedAnswerError, f"answers with something that is not JSON instead of {promised}")
    place = ".".join(str(part) for part in problem["loc"]) or "the top"
    detail = one_line(f"{place}: {problem['msg']}", answer.request.secrets)
    raise error_for(answer, UnexpectedAnswerError, f"answers with JSON of another shape than {promised} ({detail})")


UNAVAILABLE: Meaning = (UnavailableError, "it is not available now")
REFUSALS: Mapping[int, Meaning] = {
    402: (LicenceError, "its licence does not cover this"),
    403: (NotPermittedError, "the credentials do not permit this"),
    404: (WrongPathError, "it has no such path"),
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
}


def refusal(answer: Answer, doing: str, rejected: type[UnauthorizedError] = UnauthorizedError) -> RasaError:
    """Return the error for a status that the caller does not handle itself; `rejected` is the one for a 401."""
    detail = logged_words(answer)
    reason = reason_of(answer)
    heard = f"answers {answer.status}{f' ({reason})' if reason else ''} to {doing}"
    found = meaning(answer) or REFUSALS.get(answer.status)
    if found is not None:
        kind, problem = found
        return error_for(answer, kind, f"{heard}: {problem}", detail=detail)
    if answer.status == 401:
        return error_for(answer, rejected, f"{heard}: it does not accept the credentials", detail=detail)
    if answer.status >= 500:
        return error_for(answer, ServerFailedError, f"{heard}: it failed", detail=detail)
    return error_for(answer, UnexpectedAnswerError, f"{heard}, which its API does not promise", detail=detail)


def error_for(answer: Answer, kind: type[E], problem: str, *, detail: str = "", cause: RasaError | None = None) -> E:
    """Return the error about a response; `problem` completes a sentence that begins with "the server"."""
    return kind(
        answer.peer,
        answer.request.url,
        problem,
        status=answer.status,
        said=reason_of(answer),
        detail=detail,
        cause=cause,
    )


def logged_words(answer: Answer) -> str:
    """Log the server's error message and return it, for the `detail` of an error."""
    said = words(answer)
    if said:
        logger.info("%s %s answers %d: %s", answer.request.method, answer.where, answer.status, said)
    return said
