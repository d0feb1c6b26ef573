"""Reconciling a registry: what is written, what is recorded before, and the result for each environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unittest.mock import AsyncMock, Mock

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import Problem, RegistrationResult, ServerObservation
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import RegistrationRefusedError, UnreachableError
from rasa_environments.reconcile.clients import Clients
from rasa_environments.reconcile.dependencies import Dependencies
from rasa_environments.reconcile.registration.registrar import Outcome, Registrar
from rasa_environments.reconcile.registration.registry import DONE
from tests.reconcile.objects import environment, server, server_body, server_error
from tests.reconcile.registry_objects import desired

SERVER = ObjectKey("bots", "default")
LOST = server_error(UnreachableError, "closed the connection")
REFUSED_ENTRY = server_error(RegistrationRefusedError, "refuses staging")
THEIRS = RegisteredEnvironment("production", "http://elsewhere:5005", "their-token")
REFUSED = Problem(Reason.UNAUTHORIZED, "the model server refuses the login")
SILENT = Problem(Reason.MODEL_SERVER_UNREACHABLE, "the model server does not answer", stalled=False)


@dataclass
class Registry:
    """A registry that refuses what `fault` says."""

    held: tuple[RegisteredEnvironment, ...] = (THEIRS,)
    fault: Callable[[Sequence[RegisteredEnvironment]], Exception | None] = lambda _: None
    writes: int = 0

    async def read(self) -> tuple[RegisteredEnvironment, ...]:
        """All entries."""
        return self.held

    async def replace(self, entries: Sequence[RegisteredEnvironment]) -> None:
        """These and no others."""
        self.writes += 1
        error = self.fault(entries)
        if error is None or isinstance(error, UnreachableError):  # Whoever gives no answer may have done it.
            self.held = tuple(entries)
        if error is not None:
            raise error

    @property
    def names(self) -> set[str]:
        """Who is registered."""
        return {entry.name for entry in self.held}


@dataclass
class Operator:
    """The registrar of a ModelServer with the registrations that its environments want."""

    registry: Registry = field(default_factory=Registry)
    connection: Problem | None = None
    noted: list[list[str]] = field(default_factory=list)
    """The names of each write to status.registered_environments."""

    def __post_init__(self) -> None:
        self.dependencies = Dependencies(client=Mock(), children=Mock(), secrets=Mock(), pods=Mock(), http=Mock())
        self.dependencies.client.patch_status = AsyncMock(side_effect=self._patched)  # type: ignore[method-assign]
        self.dependencies.lister.servers.put(self.server)
        clients = Mock(spec=Clients)
        clients.connect = AsyncMock(side_effect=lambda _: self.connection or Mock(environments=self.registry))
        self.registrar = Registrar(self.dependencies, clients)

    @property
    def server(self) -> ModelServer:
        """The ModelServer as it was read last."""
        known = self.dependencies.lister.servers.get(SERVER)
        return known or server(profile="RasaEnterprise-1.0")

    def _patched(self, *patch: object, **_: object) -> JsonObject:
        status = patch[2]
        assert isinstance(status, dict)
        self.noted.append(status["registeredEnvironments"])
        body = server_body(profile="RasaEnterprise-1.0", version=self.server.metadata.version + 1)
        return {**body, "status": status}

    def has(self, *names: str) -> None:
        """Create these environments with the registrations that they want."""
        for name in names:
            self.dependencies.lister.environments.put(environment(name))
            self.dependencies.registrations.request(desired(name, url=f"http://{name}:5005"))

    def loses(self, name: str) -> None:
        """The environment is gone."""
        self.dependencies.lister.environments.remove(ObjectKey("bots", name))
        self.dependencies.registrations.withdraw(ObjectKey("bots", name))

    async def passes(self, problem: Problem | None = None) -> Outcome:
        """Reconcile once and return the result; the names that it gives become those of the status."""
        outcome = await self.registrar.register(self.server, ServerObservation(problem=problem))
        assert outcome is not None
        self.dependencies.lister.servers.refresh(
            ModelServer.model_validate(
                self._patched(None, None, {"registeredEnvironments": sorted(outcome.registered)})
            )
        )
        self.noted.pop()
        return outcome

    def told(self, name: str) -> RegistrationResult | None:
        """What the environment was told."""
        return self.dependencies.registrations.result(ObjectKey("bots", name))


def refusing(name: str) -> Callable[[Sequence[RegisteredEnvironment]], Exception | None]:
    """Return the error of a registry that refuses an entry of that name."""

    def fault(entries: Sequence[RegisteredEnvironment]) -> Exception | None:
        refused = any(entry.name == name for entry in entries)
        return REFUSED_ENTRY if refused else None

    return fault


async def test_environments_are_registered_beside_those_of_others_and_noted_before() -> None:
    operator = Operator()
    operator.has("staging", "development")

    outcome = await operator.passes()

    assert operator.registry.names == {"production", "staging", "development"}
    assert operator.noted == [["development", "staging"]]
    assert outcome.registered == {"development", "staging"}
    assert operator.told("staging") == operator.told("development") == DONE
    assert outcome.summary.message == "its registry holds development, staging"


async def test_at_rest_nothing_is_written_or_told() -> None:
    operator = Operator()
    operator.has("staging")
    await operator.passes()
    told = len(operator.dependencies.queue)

    await operator.passes()

    assert operator.registry.writes == len(operator.noted) == 1
    assert len(operator.dependencies.queue) == told


async def test_an_environment_that_is_gone_leaves_the_registry_and_is_then_forgotten() -> None:
    operator = Operator()
    operator.has("staging")
    await operator.passes()
    operator.loses("staging")

    first, second = await operator.passes(), await operator.passes()

    assert operator.registry.held == (THEIRS,)
    assert [outcome.registered for outcome in (first, second)] == [{"staging"}, set()]


async def test_an_answer_that_is_lost_leaves_the_note_so_that_the_entry_is_taken_out_one_day() -> None:
    operator = Operator()
    operator.has("staging")
    operator.registry.fault = lambda _: LOST

    outcome = await operator.passes()
    assert outcome.registered == {"staging"}
    assert operator.told("staging") == RegistrationResult("Unknown", Reason.MODEL_SERVER_UNREACHABLE, message_of(LOST))

    operator.registry.fault = lambda _: None
    operator.loses("staging")
    await operator.passes()
    assert operator.registry.held == (THEIRS,)


async def test_a_name_that_the_registry_refuses_stops_no_other() -> None:
    operator = Operator()
    operator.has("a", "staging", "z")
    operator.registry.fault = refusing("staging")

    outcome = await operator.passes()

    refused = RegistrationResult("False", Reason.REGISTRATION_REFUSED, message_of(REFUSED_ENTRY))
    assert operator.registry.names == {"production", "a", "z"}
    assert [operator.told(name) for name in ("a", "staging", "z")] == [DONE, refused, DONE]
    assert outcome.summary.message == f"staging: {refused.message}"


async def test_a_registry_that_keeps_what_should_go_is_told_though_nobody_is_there_to_tell() -> None:
    operator = Operator()
    operator.has("staging", "development")
    await operator.passes()
    operator.loses("staging")
    operator.registry.fault = lambda _: REFUSED_ENTRY

    outcome = await operator.passes()

    message = f"staging: {message_of(REFUSED_ENTRY)}"
    assert outcome.summary == RegistrationResult("False", Reason.REGISTRATION_REFUSED, message)
    assert operator.told("development") == DONE
    assert outcome.registered == {"staging", "development"}


@pytest.mark.parametrize(("problem", "status"), [(REFUSED, "False"), (SILENT, "Unknown")])
@pytest.mark.parametrize("when", ["listing", "connecting"])
async def test_a_server_that_cannot_be_asked_is_told_to_all_and_nothing_is_forgotten(
    problem: Problem, status: str, when: str
) -> None:
    operator = Operator()
    operator.has("staging", "development")
    await operator.passes()
    operator.connection = problem if when == "connecting" else None

    outcome = await operator.passes(problem if when == "listing" else None)

    assert outcome.registered == {"staging", "development"}
    assert outcome.summary == operator.told("staging") == operator.told("development")
    assert (outcome.summary.status, outcome.summary.reason, outcome.summary.message) == (
        status,
        problem.reason,
        problem.message,
    )


async def test_who_is_told_something_new_is_looked_at_again() -> None:
    operator = Operator()
    operator.has("staging")

    await operator.passes()

    assert len(operator.dependencies.queue) == 1
    operator.dependencies.queue.add(Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", "staging")))
    assert len(operator.dependencies.queue) == 1, "it is the environment that waits already"


async def test_a_server_without_a_registry_is_not_asked() -> None:
    operator = Operator()

    assert await operator.registrar.register(server(), ServerObservation()) is None
    assert operator.registry.writes == 0
