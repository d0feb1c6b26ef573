"""Registration of environments with their model server, through its API or in environments.yml."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import ADOPT_REGISTRATION_ANNOTATION, DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer, Registration
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.registrations import DesiredRegistration
from rasa_environments.controller.state import State
from rasa_environments.domain.advice import message_of, reason_of
from rasa_environments.domain.facts import Problem, RegistrationResult, ServerObservation
from rasa_environments.judge.registration import Results, failed_registration, some_of, summary
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import RasaError, RegistrationRefusedError
from rasa_environments.reconcile.clock import in_seconds
from rasa_environments.reconcile.ports import Connections, Registry, StatusWriter
from rasa_environments.reconcile.problems import problem_of
from rasa_environments.reconcile.registration.file import EnvironmentsFileWriter
from rasa_environments.reconcile.registration.registry import Merged, merged

logger = logging.getLogger(__name__)

REGISTRY_SECONDS = 40.0
"""Seconds to read and write the registry."""
REGISTRATION_DELAY_SECONDS = 0.2
"""Seconds; environments come in groups, and one update of the registry serves them all."""
TOO_SLOW = RegistrationResult(
    "Unknown",
    Reason.MODEL_SERVER_UNREACHABLE,
    f"the registry of the model server did not answer within {REGISTRY_SECONDS:.0f} s; check the server's load",
)


@dataclass(frozen=True)
class Outcome:
    """The result of updating a registry."""

    summary: RegistrationResult
    registered: frozenset[str] = frozenset()
    """Names that this operator added to a registry that others share."""


class Registrar:
    """Keeps the registry of each ModelServer in sync with its environments."""

    def __init__(
        self, state: State, clients: Connections, statuses: StatusWriter, files: EnvironmentsFileWriter
    ) -> None:
        self._state = state
        self._clients = clients
        self._statuses = statuses
        self._files = files

    async def register(self, server: ModelServer, observation: ServerObservation) -> Outcome | None:
        """Update the registry, and notify every environment of its result.

        Return None if the server has no registry.
        """
        if server.registration is Registration.NONE:
            return None
        lister = self._state.lister
        await self._state.index_claims(server.metadata.key)
        eligible = lister.eligible_environments(server.metadata.key)
        environments = [each for each in eligible if each.metadata.deletion_timestamp is None]
        registrations = self._state.registrations.desired(each.metadata.key for each in environments)
        active = frozenset(each.environment for each in environments)
        managed = frozenset(server.status.registered_environments or ())
        if server.registration is Registration.FILE:
            results: Results = await self._files.write(server, registrations, active)
        elif observation.problem is not None:
            results = _same_for_all(active, failed_registration(observation.problem))
        else:
            results, managed = await self._by_api(server, registrations, active, managed)
        self._notify(environments, results)
        return Outcome(summary(results, server), managed)

    async def _by_api(
        self,
        server: ModelServer,
        registrations: Sequence[DesiredRegistration],
        active: frozenset[str],
        managed: frozenset[str],
    ) -> tuple[Results, frozenset[str]]:
        connection = await self._clients.connect(server)
        if isinstance(connection, Problem):
            return _same_for_all(active, failed_registration(connection)), managed
        recorded, until = managed, in_seconds(REGISTRY_SECONDS)
        request = Request(Kind.MODEL_SERVER, server.metadata.key)
        try:
            async with self._state.queue.outside(request, until=until):
                current = await connection.environments.read()
            plan = merged(current, registrations, managed=managed, active=active)
            await self._record(server, plan.recorded)
            recorded = plan.recorded
            if plan.entries == current:
                return plan.results, recorded
            async with self._state.queue.outside(request, until=until):
                results = await self._replace(connection.environments, current, plan)
        except TimeoutError:
            return _same_for_all(active, TOO_SLOW), recorded
        except RasaError as error:  # The request may have succeeded nevertheless, so the names stay recorded.
            return _same_for_all(active, failed_registration(problem_of(error))), recorded
        logger.info("ModelServer %s: its registry holds %s", server.metadata.key, _names(plan.entries))
        return results, recorded

    async def _replace(self, registry: Registry, current: Sequence[RegisteredEnvironment], plan: Merged) -> Results:
        """Write all entries at once; if that is rejected, one after the other, so that a bad one blocks no other."""
        try:
            await registry.replace(plan.entries)
        except RegistrationRefusedError as refusal:
            before = {entry.name: entry for entry in current}
            changed = [entry for entry in plan.entries if before.get(entry.name) != entry]
            held = {entry.name: before[entry.name] for entry in plan.entries if entry.name in before}
            results = dict(plan.results)
            if not changed:  # The removal of entries was rejected.
                refused = RegistrationResult("False", reason_of(refusal), message_of(refusal))
                results |= dict.fromkeys(before.keys() - held.keys(), refused)
            for entry in changed:
                try:
                    await registry.replace(tuple({**held, entry.name: entry}.values()))
                    held[entry.name] = entry
                except RegistrationRefusedError as error:
                    results[entry.name] = RegistrationResult("False", reason_of(error), message_of(error))
            return results
        return plan.results

    async def _record(self, server: ModelServer, names: frozenset[str]) -> None:
        """Record the names to be registered, so that they are unregistered later, whatever happens now."""
        known = frozenset(server.status.registered_environments or ())
        if names <= known:
            return
        status = server.status.model_copy(update={"registered_environments": sorted(names | known)})
        await self._statuses.patch(server, status)

    def _notify(self, environments: Sequence[DeploymentEnvironment], results: Results) -> None:
        for environment in environments:
            result, key = results.get(environment.environment), environment.metadata.key
            if result is not None and self._state.registrations.record(key, result):
                self._state.enqueue(Kind.DEPLOYMENT_ENVIRONMENT, key)


def _same_for_all(names: frozenset[str], result: RegistrationResult) -> Results:
    return dict.fromkeys(sorted(names), result)


def _names(entries: Sequence[RegisteredEnvironment]) -> str:
    return some_of([entry.name for entry in entries]) or "nothing"


def request_registration(
    state: State,
    environment: DeploymentEnvironment,
    server: ModelServer,
    *,
    url: str,
    token: str,
    in_use: bool,
) -> None:
    """Request the registration of the environment's URL and token.

    If they are new, the server is enqueued with a short delay, so that several environments share an update.
    """
    if server.registration is Registration.NONE:
        return
    desired = DesiredRegistration(
        key=environment.metadata.key,
        name=environment.environment,
        url=url,
        token=token,
        in_use=in_use,
        adopts=environment.metadata.annotations.get(ADOPT_REGISTRATION_ANNOTATION) == "true",
    )
    if state.registrations.request(desired):
        state.queue.add_later(Request(Kind.MODEL_SERVER, server.metadata.key), REGISTRATION_DELAY_SECONDS)
