"""Environments with an external Rasa server: nothing is deployed; they are registered and monitored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rasa_environments.api.base import secret_of
from rasa_environments.api.deployment_environment import DeploymentEnvironment, External
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.desired.secret_variables import TOKEN_VARIABLE, SecretVariable
from rasa_environments.domain.checks import usable_server
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.secret_contents import SecretContents
from rasa_environments.judge.conversations import ELSEWHERE
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.rasa.peers import Peer
from rasa_environments.reconcile.ports import SecretReader
from rasa_environments.reconcile.registration.registrar import request_registration
from rasa_environments.reconcile.served import RasaServer, ServedModels


class ExternalServers:
    """Monitors external Rasa servers."""

    def __init__(self, state: State, secrets: SecretReader, served: ServedModels) -> None:
        self._state = state
        self._secrets = secrets
        self._served = served

    async def reconcile(
        self,
        facts: EnvironmentFacts,
        environment: DeploymentEnvironment,
        external: External,
        listed: Iterable[TaggedModel],
    ) -> tuple[EnvironmentFacts, float | None] | Problem:
        """Return what there is, and in how many seconds to reconcile again; or what is in the way."""
        server = usable_server(environment, self._state.lister)
        if isinstance(server, Problem):
            return server
        token = await self._token(environment, external)
        if isinstance(token, Problem):
            return token
        elsewhere = RasaServer(f"the Rasa server of {environment.environment}", external.url, Peer.EXTERNAL_RASA_SERVER)
        served, requeue_after = await self._served.ask(
            environment.metadata.key, (elsewhere,), wanted=facts.wanted, token=token, listed=listed
        )
        request_registration(self._state, environment, server, url=external.url, token=token, in_use=True)
        return replace(facts, url=external.url, external=True, conversations=ELSEWHERE, served=served), requeue_after

    async def _token(self, environment: DeploymentEnvironment, external: External) -> str | Problem:
        source = external.auth_token.secret_key_ref.model_copy(update={"namespace": environment.metadata.namespace})
        secret, request = secret_of(source), Request(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)
        contents = SecretContents(await self._secrets.read(request, (secret,)))
        return contents.value(SecretVariable(TOKEN_VARIABLE, source, "spec.external.authToken"))
