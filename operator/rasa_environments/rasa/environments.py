"""The registry of environments that Rasa X from 1.0 on, and Rasa Enterprise, keep: `GET` and `PUT /api/environments`.

The list is only ever written as a whole, so whoever adds to it reads it first and hands back what others put there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field, JsonValue, TypeAdapter, ValidationError

from rasa_environments.desired.environments_file import names_in
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import decoded, logged_words, refusal, refuse_web_page, status_and_reason
from rasa_environments.rasa.authentication import REGISTER_ADVICE, Authenticator
from rasa_environments.rasa.errors import RasaError, RegistrationRefused
from rasa_environments.rasa.transport import MODEL_SERVER, Answer, Request

MAXIMUM_REGISTRY = 1024 * 1024
"""Bytes of a registry that are read."""
MAXIMUM_ENVIRONMENTS = 1000
LONGEST_NAME, LONGEST_URL, LONGEST_TOKEN = 253, 2048, 8192
NO_REGISTRY = frozenset({404, 405, 501})
REFUSED = frozenset({400, 409, 422})
NAMED = 10
"""Environments that a message names."""
OLD_GENERATION = (
    "Rasa X before 1.0 takes environments from environments.yml alone, at its start; "
    "if it is one, set `registration: ConfigMap` in the ModelServer"
)


@dataclass(frozen=True)
class RegisteredEnvironment:
    """An environment as the registry holds it: where its Rasa server is, and the token that opens it."""

    name: str
    url: str
    token: str | None = field(default=None, repr=False)
    extra: Mapping[str, JsonValue] = field(default_factory=dict, repr=False, compare=False)
    """What the entry holds besides, unknown here: it goes back as it came, and makes no entry another one."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text of it that must not be repeated: its token, and what is unknown, which may hold another."""
        return tuple(text for text in (self.token, *self.extra.values()) if isinstance(text, str) and text)

    def as_json(self) -> dict[str, JsonValue]:
        """The entry as the API takes it."""
        token: dict[str, JsonValue] = {} if self.token is None else {"token": self.token}
        return {**self.extra, "name": self.name, "url": self.url, **token}


class ListedEnvironment(BaseModel):
    """An entry of `GET /api/environments`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    url: Annotated[str, Field(max_length=LONGEST_URL)]
    token: Annotated[str, Field(max_length=LONGEST_TOKEN)] | None = None

    def registered(self) -> RegisteredEnvironment:
        """The entry; a token of null is kept apart from none at all."""
        said_null = self.token is None and "token" in self.model_fields_set
        null: dict[str, JsonValue] = {"token": None} if said_null else {}
        return RegisteredEnvironment(self.name, self.url, self.token, {**null, **self.__pydantic_extra__})


class EnvironmentsFile(BaseModel):
    """What Rasa X before 1.0 answers instead."""

    environments: str


LISTING = TypeAdapter(Annotated[list[ListedEnvironment], FailFast(), Field(max_length=MAXIMUM_ENVIRONMENTS)])
ENVIRONMENTS_FILE = TypeAdapter(EnvironmentsFile)


class EnvironmentRegistry:
    """One model server's registry; each call raises RasaError (Unreachable, Unauthorized, NoWriteCredentials ...)."""

    def __init__(self, authenticator: Authenticator, address: ModelServerAddress) -> None:
        self._authenticator = authenticator
        self._url = address.environments_url

    async def read(self) -> tuple[RegisteredEnvironment, ...]:
        """Every environment that is registered, by whomever, in the server's order.

        Raises RegistrationRefused where the server has no registry.
        """
        answer = await self._authenticator.register(Request("GET", self._url, maximum_body=MAXIMUM_REGISTRY))
        doing = "the listing of environments"
        if answer.status == 200 and _environments_file(answer) is not None:
            raise _no_registry(answer, doing)
        if answer.status in REFUSED:
            raise _refused(answer, doing, OLD_GENERATION)
        if answer.status != 200:
            raise _refusal(answer, doing)
        listed = decoded(MODEL_SERVER, answer, LISTING, "a list of environments")
        return tuple(entry.registered() for entry in listed)

    async def names(self) -> frozenset[str]:
        """The names that are registered, also where environments.yml is the registry. Raises as `read` does."""
        answer = await self._authenticator.register(Request("GET", self._url, maximum_body=MAXIMUM_REGISTRY))
        if answer.status != 200:
            raise _refusal(answer, "the listing of environments")
        if (file := _environments_file(answer)) is not None:
            return frozenset(names_in(file))
        return frozenset(entry.name for entry in decoded(MODEL_SERVER, answer, LISTING, "a list of environments"))

    async def replace(self, entries: Sequence[RegisteredEnvironment]) -> None:
        """Registers these and no others: what is not among them is registered no more.

        Raises RegistrationRefused with the server's own reason (400, 409, 422), or where it has no registry.
        """
        secrets = tuple(secret for entry in entries for secret in entry.secrets)
        body: JsonValue = [entry.as_json() for entry in entries]
        request = Request("PUT", self._url, json=body, secrets=secrets, maximum_body=MAXIMUM_REGISTRY)
        answer = await self._authenticator.register(request)
        doing = f"the registration of {_names(entries)}"
        if answer.status in REFUSED:
            raise _refused(answer, doing, "see its log, then correct the environment or rename it")
        if answer.status not in (200, 201, 204):
            raise _refusal(answer, doing)
        refuse_web_page(MODEL_SERVER, answer, "taking the registration")


def _refusal(answer: Answer, doing: str) -> RasaError:
    """The error of a status that no registry promises, or that says there is no registry."""
    if answer.status in NO_REGISTRY:
        return _no_registry(answer, doing)
    return refusal(MODEL_SERVER, answer, doing, REGISTER_ADVICE)


def _refused(answer: Answer, doing: str, advice: str) -> RegistrationRefused:
    """The server's own reason, with what to do about it."""
    return RegistrationRefused(
        f"the model server at {answer.where} refuses {doing} ({status_and_reason(answer)}): {advice}",
        detail=logged_words(answer),
    )


def _no_registry(answer: Answer, doing: str) -> RegistrationRefused:
    return RegistrationRefused(
        f"the model server at {answer.where} answers {answer.status} to {doing} but keeps no registry: {OLD_GENERATION}"
    )


def _environments_file(answer: Answer) -> str | None:
    """environments.yml, which Rasa X before 1.0 shows as text to `GET /api/environments`; None where it is none."""
    try:
        return ENVIRONMENTS_FILE.validate_json(answer.body).environments
    except ValidationError:
        return None


def _names(entries: Sequence[RegisteredEnvironment]) -> str:
    """The first environments by name, in order."""
    named = ", ".join(entry.name for entry in entries[:NAMED]) or "no environment"
    more = len(entries) - NAMED
    return f"{named} and {more} more" if more > 0 else named
