"""Reconciling a registry: what is written, what is recorded before, and the result for each environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import Problem, RegistrationResult, ServerObservation
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import RegistrationRefusedError, UnreachableError
from rasa_environments.reconcile.registration.file import EnvironmentsFileWriter
from rasa_environments.reconcile.registration.registrar import Outcome, Registrar
from rasa_environments.reconcile.registration.registry import DONE
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.fakes import FakeApiServer, FakeChildren, FakeConnections, FakeModelServer, FakeRegistry
from tests.reconcile.objects import environment, server, server_error
from tests.reconcile.registry_objects import desired

SERVER = ObjectKey("bots", "default")
LOST = server_error(UnreachableError, "closed the connection")
REFUSED_ENTRY = server_error(RegistrationRefusedError, "refuses staging")
THEIRS = RegisteredEnvironment("production", "http://elsewhere:5005", "their-token")
REFUSED = Problem(Reason.UNAUTHORIZED, "the model server refuses the login")
SILENT = Problem(Reason.MODEL_SERVER_UNREACHABLE, "the model server does not answer", stalled=False)


@dataclass
class Registry(FakeRegistry):
    """A registry that refuses what `fault` says."""

    entries: tuple[RegisteredEnvironment, ...] = (THEIRS,)
    fault: Callable[[Sequence[RegisteredEnvironment]], Exception | None] = lambda _: None
    writes: int = 0

    async def replace(self, entries: Sequence[RegisteredEnvironment]) -> None:
        """These and no others."""
        self.writes += 1
        error = self.fault(entries)
        if error is None or isinstance(error, UnreachableError):  # Whoever gives no answer may have done it.
            self.entries = tuple(entries)
        if error is not None:
            raise error

    @property
    def names(self) -> set[str]:
        """Who is registered."""
        return {entry.name for entry in self.entries}


@dataclass
class Operator:
    """The registrar of a ModelServer with the registrations that its environments want."""

    registry: Registry = field(default_factory=Registry)
    connection: Problem | None = None

    def __post_init__(self) -> None:
        self.state, self.api, self.clients = State(), FakeApiServer(), FakeConnections()
        self.state.lister.servers.put(self.server)
        files = EnvironmentsFileWriter(FakeChildren(), self.api)
        self.registrar = Registrar(self.state, self.clients, Statuses(self.api, self.state.lister), files)

    @property
    def server(self) -> ModelServer:
        """The ModelServer as it was read last."""
        known = self.state.lister.servers.get(SERVER)
        return known or server(profile="RasaEnterprise-1.0")

    @property
    def noted(self) -> list[list[str]]:
        """The names of each write to status.registered_environments."""
        return [status["registeredEnvironments"] for status in self.api.statuses]

    def has(self, *names: str) -> None:
        """Create these environments with the registrations that they want."""
        for name in names:
            self.state.lister.environments.put(environment(name))
            self.state.registrations.request(desired(name, url=f"http://{name}:5005"))

    def loses(self, name: str) -> None:
        """The environment is gone."""
        self.state.lister.environments.remove(ObjectKey("bots", name))
        self.state.registrations.withdraw(ObjectKey("bots", name))

    async def passes(self, problem: Problem | None = None) -> Outcome:
        """Reconcile once and return the result; the names that it gives become those of the status."""
        self.clients.connection = self.connection or FakeModelServer(environments=self.registry)
        outcome = await self.registrar.register(self.server, ServerObservation(problem=problem))
        assert outcome is not None
        status = self.server.status.model_copy(update={"registered_environments": sorted(outcome.registered)})
        self.state.lister.servers.put(self.server.model_copy(update={"status": status}))
        return outcome

    def told(self, name: str) -> RegistrationResult | None:
        """What the environment was told."""
        return self.state.registrations.result(ObjectKey("bots", name))


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
    told = len(operator.state.queue)

    await operator.passes()

    assert operator.registry.writes == len(operator.noted) == 1
    assert len(operator.state.queue) == told


async def test_what_somebody_takes_out_is_registered_again() -> None:
    operator = Operator()
    operator.has("staging")
    await operator.passes()
    operator.registry.entries = (THEIRS,)

    await operator.passes()

    assert operator.registry.names == {"production", "staging"}


async def test_an_environment_that_is_gone_leaves_the_registry_and_is_then_forgotten() -> None:
    operator = Operator()
    operator.has("staging")
    await operator.passes()
    operator.loses("staging")

    first, second = await operator.passes(), await operator.passes()

    assert operator.registry.entries == (THEIRS,)
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
    assert operator.registry.entries == (THEIRS,)


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

    assert len(operator.state.queue) == 1
    operator.state.queue.add(Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", "staging")))
    assert len(operator.state.queue) == 1, "it is the environment that waits already"


async def test_a_server_without_a_registry_is_not_asked() -> None:
    operator = Operator()

    assert await operator.registrar.register(server(), ServerObservation()) is None
    assert operator.registry.writes == 0
