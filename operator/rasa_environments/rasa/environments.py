"""The registry of environments of Rasa X from 1.0 on, and Rasa Enterprise: `GET` and `PUT /api/environments`.

The list can only be written as a whole, so read it before adding to it, and write back the entries of others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field, JsonValue, TypeAdapter, ValidationError

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import (
    decoded,
    error_for,
    logged_words,
    refusal,
    refuse_web_page,
    status_and_reason,
)
from rasa_environments.rasa.authentication import Authenticator
from rasa_environments.rasa.environments_file import names_in
from rasa_environments.rasa.errors import (
    NoRegistryError,
    RasaError,
    RegistrationCredentialsRejectedError,
    RegistrationRefusedError,
)
from rasa_environments.rasa.transport import Answer, Request

MAXIMUM_REGISTRY = 1024 * 1024
"""Maximum bytes of a registry."""
MAXIMUM_ENVIRONMENTS = 1000
LONGEST_NAME, LONGEST_URL, LONGEST_TOKEN = 253, 2048, 8192
NO_REGISTRY = frozenset({404, 405, 501})
REFUSED = frozenset({400, 409, 422})
NAMED = 10
"""Maximum number of environments in a message."""
OLD_GENERATION = "Rasa X before 1.0 takes environments from environments.yml alone, at its start"


@dataclass(frozen=True)
class RegisteredEnvironment:
    """An environment in the registry: the URL of its Rasa server, and its token."""

    name: str
    url: str
    token: str | None = field(default=None, repr=False)
    extra: Mapping[str, JsonValue] = field(default_factory=dict, repr=False, compare=False)
    """Other fields of the entry, unknown here: they are written back unchanged and do not affect equality."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must not be repeated: the token, and unknown fields, which may hold another."""
        return tuple(text for text in (self.token, *self.extra.values()) if isinstance(text, str) and text)

    def as_json(self) -> dict[str, JsonValue]:
        """Return the entry as the API accepts it."""
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
        """Return the entry; a token of null is distinguished from a missing one."""
        said_null = self.token is None and "token" in self.model_fields_set
        null: dict[str, JsonValue] = {"token": None} if said_null else {}
        return RegisteredEnvironment(self.name, self.url, self.token, {**null, **self.__pydantic_extra__})


class EnvironmentsFile(BaseModel):
    """The response of a Rasa X before 1.0."""

    environments: str


LISTING = TypeAdapter(Annotated[list[ListedEnvironment], FailFast(), Field(max_length=MAXIMUM_ENVIRONMENTS)])
ENVIRONMENTS_FILE = TypeAdapter(EnvironmentsFile)


class EnvironmentRegistry:
    """The registry of one model server.

    All methods raise RasaError (UnreachableError, UnauthorizedError, NoWriteCredentialsError ...).
    """

    def __init__(self, authenticator: Authenticator, address: ModelServerAddress) -> None:
        self._authenticator = authenticator
        self._url = address.environments_url

    async def read(self) -> tuple[RegisteredEnvironment, ...]:
        """Return all registered environments, whoever registered them, in the server's order.

        Raises NoRegistryError if the server has no registry.
        """
        answer = await self._authenticator.register(Request("GET", self._url, maximum_body=MAXIMUM_REGISTRY))
        doing = "the listing of environments"
        if answer.status == 200 and _environments_file(answer) is not None:
            raise _no_registry(answer, doing)
        if answer.status in REFUSED:
            problem = f"refuses {doing} ({status_and_reason(answer)}): {OLD_GENERATION}"
            raise error_for(answer, NoRegistryError, problem, detail=logged_words(answer))
        if answer.status != 200:
            raise _refusal(answer, doing)
        listed = decoded(answer, LISTING, "a list of environments")
        return tuple(entry.registered() for entry in listed)

    async def names(self) -> frozenset[str]:
        """Return the registered names, even if environments.yml is the registry. Raises the same errors as `read`."""
        answer = await self._authenticator.register(Request("GET", self._url, maximum_body=MAXIMUM_REGISTRY))
        if answer.status != 200:
            raise _refusal(answer, "the listing of environments")
        if (file := _environments_file(answer)) is not None:
            return frozenset(names_in(file))
        return frozenset(entry.name for entry in decoded(answer, LISTING, "a list of environments"))

    async def replace(self, entries: Sequence[RegisteredEnvironment]) -> None:
        """Replace all registered environments by these.

        Raises RegistrationRefusedError with the server's own reason (400, 409, 422), or NoRegistryError.
        """
        secrets = tuple(secret for entry in entries for secret in entry.secrets)
        body: JsonValue = [entry.as_json() for entry in entries]
        request = Request("PUT", self._url, json=body, secrets=secrets, maximum_body=MAXIMUM_REGISTRY)
        answer = await self._authenticator.register(request)
        doing = f"the registration of {_names(entries)}"
        if answer.status in REFUSED:
            problem = f"refuses {doing} ({status_and_reason(answer)})"
            raise error_for(answer, RegistrationRefusedError, problem, detail=logged_words(answer))
        if answer.status not in (200, 201, 204):
            raise _refusal(answer, doing)
        refuse_web_page(answer, "taking the registration")


def _refusal(answer: Answer, doing: str) -> RasaError:
    """Return the error for a status that no registry returns, or that shows that there is no registry."""
    if answer.status in NO_REGISTRY:
        return _no_registry(answer, doing)
    return refusal(answer, doing, RegistrationCredentialsRejectedError)


def _no_registry(answer: Answer, doing: str) -> NoRegistryError:
    problem = f"answers {answer.status} to {doing} but keeps no registry: {OLD_GENERATION}"
    return error_for(answer, NoRegistryError, problem)


def _environments_file(answer: Answer) -> str | None:
    """Return environments.yml, which Rasa X before 1.0 returns as text for `GET /api/environments`.

    None if it is not.
    """
    try:
        return ENVIRONMENTS_FILE.validate_json(answer.body).environments
    except ValidationError:
        return None


def _names(entries: Sequence[RegisteredEnvironment]) -> str:
    """Return the names of the first environments, in order."""
    named = ", ".join(entry.name for entry in entries[:NAMED]) or "no environment"
    more = len(entries) - NAMED
    return f"{named} and {more} more" if more > 0 else named
