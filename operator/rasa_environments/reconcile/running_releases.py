"""The releases of Rasa that environments run: by their specs or, if that leaves a doubt, by `GET /version`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.controller.state import State
from rasa_environments.desired.context import port_of
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.compatibility import RasaRelease, RunningReleases, to_ask
from rasa_environments.domain.lister import server_of_environment
from rasa_environments.domain.stated_releases import stated_releases
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.server import RasaVersion
from rasa_environments.reconcile.clock import in_seconds
from rasa_environments.reconcile.served import RasaServer, rasa_servers

VERSION_SECONDS = 5.0
"""Seconds for the answers of all servers: one that loads a model answers later, and its spec has to do."""
ASKED_AT_A_TIME = 8


@dataclass(frozen=True)
class _Environment:
    releases: RunningReleases
    servers: tuple[RasaServer, ...]


AskVersion = Callable[[str, Peer], Awaitable[RasaVersion]]


class ReleaseProbe:
    """Asks Rasa servers for their release by `ask_version` (`rasa.server.server_version`, with its HTTP client)."""

    def __init__(self, state: State, ask_version: AskVersion) -> None:
        self._state = state
        self._ask_version = ask_version

    async def ask(
        self, environments: Sequence[DeploymentEnvironment], trained_with: str | None
    ) -> tuple[RunningReleases, ...]:
        """Return what the environments run, as far as it matters for a model that was trained with that version.

        Servers that do not answer are left out. No request outlives cancellation.
        """
        found = {each.metadata.key: _stated(self._state, each) for each in environments}
        asked = to_ask(trained_with, [each.releases for each in found.values()])
        limit, until = asyncio.Semaphore(ASKED_AT_A_TIME), in_seconds(VERSION_SECONDS)

        async def ask(server: RasaServer) -> RasaRelease | None:
            if server.url is None:
                return None
            try:
                async with asyncio.timeout_at(until), limit:
                    answer = await self._ask_version(server.url, server.peer)
            except (TimeoutError, RasaError):
                return None
            return RasaRelease(answer.version, answer.minimum_compatible_version)

        async with asyncio.TaskGroup() as tasks:
            answers = {
                each.environment: [tasks.create_task(ask(server)) for server in found[each.environment].servers]
                for each in asked
            }
        return tuple(
            replace(
                each.releases,
                answered=tuple(release for task in answers.get(key, ()) if (release := task.result()) is not None),
            )
            for key, each in found.items()
        )


def _stated(state: State, environment: DeploymentEnvironment) -> _Environment:
    """Return what the spec states, and the servers to ask."""
    key, external = environment.metadata.key, environment.spec.external
    if external is not None:
        name = f"the Rasa server of {environment.environment}"
        return _Environment(RunningReleases(key), (RasaServer(name, external.url, Peer.EXTERNAL_RASA_SERVER),))
    server = state.lister.servers.get(server_of_environment(environment))
    releases = stated_releases(environment, server)
    try:
        spec = None if server is None else merged_spec(environment, server)
    except SpecError:
        spec = None
    if spec is None:
        return _Environment(releases, ())
    pods = [pod for pod in state.pods.of(key) if not (pod.terminating or pod.finished)]
    return _Environment(releases, rasa_servers(pods, port_of(spec)))
