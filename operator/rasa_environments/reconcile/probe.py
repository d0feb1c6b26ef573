"""What the Rasa servers of an environment serve, its pods or an external one, and what follows from that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, External
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import Context
from rasa_environments.desired.secret_variables import TOKEN_VARIABLE
from rasa_environments.desired.workers import workers
from rasa_environments.domain.facts import LicenseFact, PodFacts, Problem, TaggedModel
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.reconcile.external import ExternalServers
from rasa_environments.reconcile.healing import Healing
from rasa_environments.reconcile.licenses import Licenses
from rasa_environments.reconcile.served import ServedModels, rasa_servers


class RasaProbe:
    """Asks Rasa servers which model they serve."""

    def __init__(self, served: ServedModels, healing: Healing, external: ExternalServers, licenses: Licenses) -> None:
        self._served = served
        self._healing = healing
        self._external = external
        self._licenses = licenses

    def forget(self, environment: ObjectKey) -> None:
        """Discard what is known about an environment that is gone."""
        self._served.forget(environment)
        self._healing.forget(environment)
        self._licenses.forget(environment)

    def known_license(self, environment: DeploymentEnvironment, server: ModelServer | None) -> LicenseFact | None:
        """Return what the status says of the licence; None for an environment that needs none."""
        return self._licenses.known(environment, server)

    async def ask_pods(
        self, context: Context, facts: EnvironmentFacts, pods: Sequence[PodFacts], listed: Iterable[TaggedModel]
    ) -> tuple[EnvironmentFacts, float | None]:
        """Return the facts with the pods' answers, and in how many seconds to ask again; heal what lost its model.

        `listed` are the models to search by training time. Raises ApiError.
        """
        environment = context.environment
        key = environment.metadata.key
        servers = rasa_servers(pods, context.port, workers(context))
        if facts.license is not None:
            facts = replace(facts, license=await self._licenses.ask(key, servers, known=facts.license))
        served, requeue_after = await self._served.ask(
            key,
            servers,
            wanted=facts.wanted,
            token=context.secret_values[TOKEN_VARIABLE],
            listed=listed,
        )
        return await self._healing.heal(environment, context, replace(facts, served=served)), requeue_after

    async def ask_external(
        self,
        facts: EnvironmentFacts,
        environment: DeploymentEnvironment,
        external: External,
        listed: Iterable[TaggedModel],
    ) -> tuple[EnvironmentFacts, float | None] | Problem:
        """Return the same of a server that runs elsewhere, or what is in the way. Raises ApiError."""
        return await self._external.reconcile(facts, environment, external, listed)
