"""When the licence of a Rasa Pro server expires: `GET /license`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter

from rasa_environments.rasa.answers import decoded, error_for, refusal
from rasa_environments.rasa.errors import UnexpectedAnswerError
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import HttpClient, Request, ask


class License(BaseModel):
    """The part of the response that the operator uses; the rest names the company and a person."""

    expires: Annotated[str, Field(max_length=256)]


LICENSE = TypeAdapter(License)


async def license_expiry(http: HttpClient, base_url: str) -> datetime:
    """Return when the licence of the Rasa server at `base_url` (http://host:port) expires.

    The endpoint needs no token; `expires` is ISO 8601 in UTC, or a text if there is no licence (rasa/server.py and
    rasa/utils/licensing.py of rasa-pro 3.11.20, 3.13.25 and 3.21.0; 3.8.16 has no such endpoint). Raises
    AddressRefusedError, UnreachableError or UnexpectedAnswerError.
    """
    answer = await ask(http, Peer.RASA_SERVER, Request("GET", f"{base_url.rstrip('/')}/license"))
    if answer.status != 200:
        raise refusal(answer, "the question when its licence expires")
    found = decoded(answer, LICENSE, "its licence")
    try:
        expires = datetime.fromisoformat(found.expires)
        return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise error_for(answer, UnexpectedAnswerError, "does not say when its licence expires") from None
