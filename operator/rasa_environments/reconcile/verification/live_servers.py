"""The Rasa servers of environments, as users meet them: which can be talked to, and which environments count."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey, secret_of
from rasa_environments.api.deployment_environment import DeploymentEnvironment, External
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cluster.resources import NETWORK_POLICIES, SERVICE_ACCOUNTS
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.desired.context import child_key
from rasa_environments.desired.network_policy import admits_jobs
from rasa_environments.desired.secret_variables import TOKEN_VARIABLE, SecretVariable
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.secret_contents import SecretContents
from rasa_environments.reconcile.ports import ChildApplier, SecretReader
from rasa_environments.reconcile.served import rasa_servers
from rasa_environments.reconcile.verification.jobs import TestedServer
from rasa_environments.reconcile.verification.servers import (
    ServerUnderTest,
    has_network_policy,
    port_of_servers,
    secret_of_servers,
    server_at,
    url_of_environment,
    values_to_hide,
)


class LiveServers:
    """Finds the servers of environments among their pods, or where they run."""

    def __init__(self, state: State, children: ChildApplier, secrets: SecretReader) -> None:
        self._state = state
        self._children = children
        self._secrets = secrets

    def environments(self, tag: ModelTag) -> tuple[DeploymentEnvironment, ...]:
        """Return the environments that pull the tag, without those that are suspended or being deleted."""
        followers = self._state.lister.eligible_followers(server_of_tag(tag), tag.tag)
        return tuple(each for each in followers if not each.spec.suspend and each.metadata.deletion_timestamp is None)

    async def ready(self, environment: DeploymentEnvironment, tag: ObjectKey) -> ServerUnderTest | str:
        """Return a server of the environment that can be talked to, or why there is none. Raises ApiError."""
        key = environment.metadata.key
        if environment.spec.external is not None:
            return await self._external(environment, environment.spec.external, tag)
        pods = [pod for pod in self._state.pods.of(key) if pod.ready and not pod.finished and not pod.terminating]
        port = port_of_servers(environment, self._state.lister)
        if not pods or port is None:
            return "it has no ready pod"
        url, secret = rasa_servers(pods[:1], port)[0].url, secret_of_servers(key, self._children)
        return server_at(key, url, secret) or "its pod has no address, or its Secret no token yet"

    async def tested(self, environment: DeploymentEnvironment, tag: ObjectKey, obstacle: str | None) -> TestedServer:
        """Return what a Job tests, once nothing is in the way: the environment by its Service, or where it runs.

        Raises ApiError.
        """
        if environment.spec.external is not None:
            return await self._tested_elsewhere(environment, environment.spec.external, tag, obstacle)
        hidden = values_to_hide(secret_of_servers(environment.metadata.key, self._children))
        obstacle = obstacle or await self._closed(environment)
        if obstacle is not None:
            return TestedServer(environment, None, hidden, obstacle)
        url = url_of_environment(environment, self._state.lister)
        return TestedServer(environment, url, hidden, "its spec is not valid")

    async def _tested_elsewhere(
        self, environment: DeploymentEnvironment, external: External, tag: ObjectKey, obstacle: str | None
    ) -> TestedServer:
        server = await self._external(environment, external, tag)
        if isinstance(server, str):
            return TestedServer(environment, None, (), server)
        account = child_key(environment.metadata.key)
        if obstacle is None and self._children.live(SERVICE_ACCOUNTS, account) is None:
            obstacle = f"ServiceAccount {account} is not there yet: see the conditions of the environment"
        return TestedServer(environment, server.url if obstacle is None else None, server.secrets, obstacle or "")

    async def _closed(self, environment: DeploymentEnvironment) -> str | None:
        """Return why the pods of a Job would not be let in: the environment is reconciled apart from its ModelTag."""
        if not has_network_policy(environment, self._state.lister):
            return None
        policy = child_key(environment.metadata.key)
        found = await self._children.read(NETWORK_POLICIES, policy)
        if found is not None and admits_jobs(found, environment.metadata.name):
            return None
        return f"NetworkPolicy {policy} does not admit its pod yet: see the conditions of the environment"

    async def _external(
        self, environment: DeploymentEnvironment, external: External, tag: ObjectKey
    ) -> ServerUnderTest | str:
        namespace = environment.metadata.namespace
        source = external.auth_token.secret_key_ref.model_copy(update={"namespace": namespace})
        contents = SecretContents(await self._secrets.read(Request(Kind.MODEL_TAG, tag), (secret_of(source),)))
        token = contents.value(SecretVariable(TOKEN_VARIABLE, source, "spec.external.authToken"))
        if isinstance(token, Problem):
            return token.message
        return ServerUnderTest(environment.metadata.key, external.url, token, (token,))
