"""What an operation of the API is: both its route and its part of the OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.authentication import Permission
from rasa_model_server.web.roles import Role

BASE = "/api"
NO_STORE = {503: "The object store does not answer."}

Handler = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation, in the query or in a header."""

    name: str
    place: Literal["query", "header"]
    description: str
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True)
class Answer:
    """One of the answers of an operation: what it means, its JSON body or its media type, and its headers."""

    description: str
    body: TypeAdapter[object] | None = None
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One operation: where it is, what it takes, what it answers, and who does it. Errors are `refusals`, by status."""

    method: Method
    path: str
    name: str
    summary: str
    permission: Permission
    handler: Handler
    answers: Mapping[int, Answer]
    refusals: Mapping[int, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    body: TypeAdapter[object] | Literal["model"] | None = None
    role: Role = Role.ANYBODY
    deprecated: bool = False
