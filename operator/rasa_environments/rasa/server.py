"""What a Rasa server serves: `GET /status`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

import httpx
from pydantic import BaseModel, Field, TypeAdapter

from rasa_environments.rasa.answers import decoded, refusal
from rasa_environments.rasa.listing import MODEL_SUFFIX, Time, is_name
from rasa_environments.rasa.transport import EXTERNAL_RASA_SERVER, RASA_SERVER, Peer, Request, ask

TOKEN_ADVICE: Mapping[Peer, str] = {
    RASA_SERVER: "it started with another token than its Secret holds now; restart the pod",
    EXTERNAL_RASA_SERVER: "its --auth-token is another than the Secret of `external.tokenSecretRef` holds",
}


@dataclass(frozen=True)
class Served:
    """The model that a Rasa server has loaded; all None where it has none."""

    model: str | None = None
    """Name without .tar.gz; None where Rasa 1.x or 2.x pulled it, which then only tells a temporary directory."""
    trained_at: float | None = None
    """Rasa 1.x and 2.x: when it was trained (seconds since 1970)."""


class Fingerprint(BaseModel):
    """The part of a 1.x or 2.x fingerprint that tells two models apart."""

    trained_at: Time | None = None


class Status(BaseModel):
    """`GET /status` of Rasa 1.x to 3.x."""

    model_file: Annotated[str, Field(max_length=4096)] | None
    fingerprint: Fingerprint | None = None


STATUS = TypeAdapter(Status)


async def served_model(http: httpx.AsyncClient, base_url: str, token: str, peer: Peer = RASA_SERVER) -> Served:
    """What the Rasa server at `base_url` (http://host:port) serves; `peer`: whether it is a pod, or runs elsewhere.

    With no model, Rasa 3.x answers 409, and 1.x and 2.x answer 200 with `model_file: null` (seen with 3.6.21, 2.8.34
    and 1.10.26). `rasa x` and `rasa run` of a release answer alike.
    Raises Unauthorized when the token is refused, AddressRefused, Unreachable, UnexpectedAnswer.
    """
    request = Request("GET", f"{base_url.rstrip('/')}/status", query={"token": token}, secrets=(token,))
    answer = await ask(http, peer, request)
    if answer.status == 409:
        return Served()
    if answer.status != 200:
        raise refusal(peer, answer, "the question which model it serves", TOKEN_ADVICE[peer])
    status = decoded(peer, answer, STATUS, "its status")
    if status.model_file is None:
        return Served()
    trained_at = status.fingerprint.trained_at if status.fingerprint else None
    return Served(_model_name(status.model_file), trained_at)


def _model_name(model_file: str) -> str | None:
    """The model that a path names, where it is a model's own file and not a directory that it was unpacked to."""
    file = PurePosixPath(model_file).name
    name = file.removesuffix(MODEL_SUFFIX)
    return name if name != file and is_name(name) else None
