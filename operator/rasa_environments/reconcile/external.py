"""An environment whose Rasa server runs elsewhere: nothing is deployed, it is registered and asked what it serves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rasa_environments.api.base import SecretKeyRef, secret_of
from rasa_environments.api.deployment_environment import DeploymentEnvironment, External
from rasa_environments.api.model_server import ModelServer
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.desired.secret_variables import TOKEN_VARIABLE, SecretVariable
from rasa_environments.domain.checks import BlockedError, usable_server
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.judge.conversations import ELSEWHERE
from rasa_environments.judge.environment_findings import EnvironmentFindings
from rasa_environments.rasa.transport import EXTERNAL_RASA_SERVER
from rasa_environments.reconcile.dependencies import Dependencies, index_claims
from rasa_environments.reconcile.registration.registrar import request_registration
from rasa_environments.reconcile.secret_values import value_of
from rasa_environments.reconcile.served import RasaServer, ServedModels


class ExternalServers:
    """Looks at Rasa servers that run elsewhere."""

    def __init__(self, dependencies: Dependencies, served: ServedModels) -> None:
        self._dependencies = dependencies
        self._served = served

    async def look(
        self,
        findings: EnvironmentFindings,
        environment: DeploymentEnvironment,
        external: External,
        server: ModelServer | None,
        listed: Iterable[TaggedModel],
    ) -> tuple[EnvironmentFindings, float | None]:
        """What there is, and in how many seconds to look again. Raises BlockedError where something is in the way."""
        findings = replace(findings, url=external.url, external=True, conversations=ELSEWHERE)
        await index_claims(self._dependencies.lister, findings.server)
        server = usable_server(self._dependencies.lister, environment, server)
        source = external.auth_token.secret_key_ref.model_copy(update={"namespace": environment.metadata.namespace})
        token = await self._token(environment, source)
        elsewhere = RasaServer(f"the Rasa server of {environment.environment}", external.url, EXTERNAL_RASA_SERVER)
        served, again = await self._served.ask(
            environment.metadata.key, (elsewhere,), wanted=findings.wanted, token=token, listed=listed
        )
        request_registration(self._dependencies, environment, server, url=external.url, token=token, in_use=True)
        return replace(findings, served=served), again

    async def _token(self, environment: DeploymentEnvironment, source: SecretKeyRef) -> str:
        request = Request(Kind.DEPLOYMENT_ENVIRONMENT, environment.metadata.key)
        self._dependencies.references.set(request, {secret_of(source)})
        variable = SecretVariable(TOKEN_VARIABLE, source, "spec.external.authToken")
        value = await value_of(self._dependencies.secrets, variable)
        if isinstance(value, Problem):
            raise BlockedError(value)
        return value
