"""What a Rasa server tells about itself: its model (`GET /status`) and its version (`GET /version`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from rasa_environments.rasa.answers import decoded, refusal
from rasa_environments.rasa.listing import MODEL_ID, MODEL_SUFFIX, Time, is_name
from rasa_environments.rasa.on_the_way import is_html
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import HttpClient, Request, ask


@dataclass(frozen=True)
class Served:
    """The model that a Rasa server has loaded; all None if there is none."""

    model: str | None = None
    """Name without .tar.gz; None if Rasa 1.x or 2.x pulled it, which then reports a temporary directory only."""
    trained_at: float | None = None
    """Rasa 1.x and 2.x: the time of the training (seconds since 1970)."""
    model_id: str | None = None
    """Rasa 3.x: the id from the training."""
    worker_pid: int | None = field(default=None, compare=False)
    """The worker process that answered; only newer versions of Rasa Pro report it (3.21.0 does, 3.13.25 does not)."""


class Fingerprint(BaseModel):
    """The part of a 1.x or 2.x fingerprint that distinguishes models."""

    trained_at: Time | None = None


class Status(BaseModel):
    """The response to `GET /status` of Rasa 1.x to 3.x."""

    model_file: Annotated[str, Field(max_length=4096)] | None
    fingerprint: Fingerprint | None = None
    model_id: JsonValue = None
    worker_pid: JsonValue = None


STATUS = TypeAdapter(Status)
VersionText = Annotated[str, Field(pattern="^[0-9][A-Za-z0-9.+-]{0,63}$")]


class RasaVersion(BaseModel):
    """The response to `GET /version`, the same in Rasa 1.x to 3.x (rasa/server.py)."""

    version: VersionText
    minimum_compatible_version: VersionText | None = None
    """The oldest version whose models it loads."""


VERSION = TypeAdapter(RasaVersion)


async def served_model(
    http: HttpClient, base_url: str, token: str, peer: Peer = Peer.RASA_SERVER, *, fresh: bool = False
) -> Served:
    """Return what the Rasa server at `base_url` (http://host:port) serves; `peer` tells pods from external servers.

    `fresh`: the connection is closed after the response, so that the next one may reach another worker process.

    Without a model, Rasa 3.x answers 409, while 1.x and 2.x answer 200 with `model_file: null` (observed with 3.6.21,
    2.8.34 and 1.10.26). `rasa x` and `rasa run` of a release answer alike. Raises UnauthorizedError if the token is
    rejected, AddressRefusedError, UnreachableError or UnexpectedAnswerError.
    """
    request = Request(
        "GET",
        f"{base_url.rstrip('/')}/status",
        query={"token": token},
        headers={"Connection": "close"} if fresh else {},
        secrets=(token,),
    )
    answer = await ask(http, peer, request)
    if answer.status == 409 and not is_html(answer):
        return Served()
    if answer.status != 200:
        raise refusal(answer, "the question which model it serves")
    status = decoded(answer, STATUS, "its status")
    worker_pid = status.worker_pid if isinstance(status.worker_pid, int) else None
    if status.model_file is None:
        return Served(worker_pid=worker_pid)
    trained_at = status.fingerprint.trained_at if status.fingerprint else None
    model_id = status.model_id if isinstance(status.model_id, str) and MODEL_ID.fullmatch(status.model_id) else None
    return Served(_model_name(status.model_file), trained_at, model_id, worker_pid)


def _model_name(model_file: str) -> str | None:
    """Return the model that a path names, if it is a model file rather than a directory that it was unpacked to."""
    file = PurePosixPath(model_file).name
    name = file.removesuffix(MODEL_SUFFIX)
    return name if name != file and is_name(name) else None


async def server_version(http: HttpClient, base_url: str, peer: Peer = Peer.RASA_SERVER) -> RasaVersion:
    """Return the version of the Rasa server at `base_url`, which it tells without a token.

    Raises AddressRefusedError, UnauthorizedError, UnreachableError or UnexpectedAnswerError.
    """
    answer = await ask(http, peer, Request("GET", f"{base_url.rstrip('/')}/version"))
    if answer.status != 200:
        raise refusal(answer, "the question for its version")
    return decoded(answer, VERSION, "its version")
