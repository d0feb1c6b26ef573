"""The JSON bodies that the API answers with and takes."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rasa_model_server.errors import ApiError
from rasa_model_server.names import MAXIMUM_NAME_LENGTH
from rasa_model_server.storage import TaggedModel
from rasa_model_server.web.model_check import is_compatible

Content = TypeVar("Content")

_MAXIMUM_BODY_BYTES = 1024 * 1024
_BODY_SECONDS = 20.0


class ModelAnswer(BaseModel):
    """A model, as Rasa X lists it."""

    project: str
    model: str = Field(description="Name of the model, unique in the project.")
    hash: str = Field(description="SHA-256 of the model file in hex, also its ETag.")
    tags: list[str]
    trained_at: float = Field(description="When it was trained, in seconds since 1970.")
    uploaded_at: float = Field(
        description="When it was uploaded, in seconds since 1970; of an adopted file, when that was last written."
    )
    version: str | None = Field(description="The Rasa version that trained it, or null if the file does not say.")
    is_compatible: bool = Field(description="False if the production server says that it cannot load it.")
    model_id: str | None = Field(description="The id that Rasa 3 reports in /status as model_id.")
    size: int = Field(description="Size of the model file in bytes.")

    model_config = ConfigDict(protected_namespaces=())


class ErrorAnswer(BaseModel):
    """What is wrong."""

    version: str
    status: Literal["failure"]
    message: str
    reason: str
    details: dict[str, str]
    help: str | None
    code: int


class LoginRequest(BaseModel):
    """A user who logs in."""

    username: str = Field(max_length=256)
    password: str = Field(max_length=1024)


class LoginAnswer(BaseModel):
    """A JWT for `Authorization: Bearer`."""

    access_token: str


class Environment(BaseModel):
    """A Rasa server that is registered."""

    name: str = Field(min_length=1, max_length=MAXIMUM_NAME_LENGTH)
    url: str = Field(pattern=r"^https?://[^/\s]+", max_length=2048)
    token: str = Field(default="", max_length=4096)


class ConfigurationAnswer(BaseModel):
    """endpoints.yml and credentials.yml for `rasa x --config-endpoint`, variables unexpanded."""

    endpoints: str
    credentials: str


class EnvironmentsFileAnswer(BaseModel):
    """The environments, as Rasa X before 1.0 answers them."""

    environments: str = Field(description="environments.yml, with tokens.")


class MessageRequest(BaseModel):
    """What somebody says to an assistant."""

    message: str = Field(min_length=1)


class EnvironmentHealthAnswer(BaseModel):
    """An environment whose server answers."""

    version: str
    minimum_compatible_version: str | None
    status: Literal[200] = 200


class EnvironmentFailureAnswer(BaseModel):
    """An environment whose server does not answer."""

    message: str
    status: Literal[500] = 500


class HealthAnswer(BaseModel):
    """The health of one server."""

    version: str
    status: int


class VersionAnswer(BaseModel):
    """Versions, as Rasa X answers them."""

    version: str
    rasa: dict[str, str] = Field(description="Empty: this server asks no Rasa server for its version.")
    enterprise: bool


class RasaXVersionAnswer(BaseModel):
    """Versions of the environments, and of the Rasa X that this server stands for."""

    rasa: dict[str, str] = Field(description="Of each environment; 0.0.0 where it does not answer.")
    rasa_x: str = Field(serialization_alias="rasa-x")
    enterprise: bool


class StatusAnswer(BaseModel):
    """Whether the server can do its work."""

    status: Literal["ok"]


def model_answer(project: str, found: TaggedModel, minimum_version: str | None = None) -> ModelAnswer:
    """Return how a model is listed, given the oldest version that production loads."""
    record = found.record
    return ModelAnswer(
        project=project,
        model=record.model,
        hash=record.hash,
        tags=list(found.tags),
        trained_at=record.trained_at,
        uploaded_at=record.uploaded_at,
        version=record.version,
        is_compatible=is_compatible(record.version, minimum_version),
        model_id=record.model_id,
        size=record.size,
    )


async def read_json(request: Request, content: type[Content]) -> Content:
    """Return the JSON body of a request.

    FastAPI would read a body of any size, for any time, before the caller is authenticated.

    Raises ApiError: 400 if it does not have the expected form, 408 if it takes longer than 20 seconds, 413 if it is
    larger than 1 MiB.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAXIMUM_BODY_BYTES:
                    raise ApiError(413, "BodyTooLarge", "the body is larger than 1 MiB", {"Connection": "close"})
    except TimeoutError:
        message = f"the body was not here within {_BODY_SECONDS:g} seconds"
        raise ApiError(408, "BodyTimeout", message, {"Connection": "close"}) from None
    try:
        return TypeAdapter(content).validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ApiError(
            400, "BadRequest", f"the body is wrong{' at ' + where if where else ''}: {first['msg']}"
        ) from None
