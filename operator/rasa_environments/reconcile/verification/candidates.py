"""The candidates of environments: which are ready, and why the others are not."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cluster.resources import DEPLOYMENTS
from rasa_environments.controller.state import State
from rasa_environments.desired.context import candidate_key
from rasa_environments.domain.facts import TaggedModel, deployment_facts
from rasa_environments.rasa.redaction import one_line
from rasa_environments.reconcile.ports import ChildApplier
from rasa_environments.reconcile.served import rasa_servers
from rasa_environments.reconcile.verification.servers import (
    ServerUnderTest,
    port_of_servers,
    secret_of_servers,
    server_at,
    values_to_hide,
)


class Candidates:
    """Finds candidates among the pods and children of environments."""

    def __init__(self, state: State, children: ChildApplier) -> None:
        self._state = state
        self._children = children

    def ready(self, environment: DeploymentEnvironment, model: TaggedModel) -> ServerUnderTest | None:
        """Return the environment's candidate for that model, None unless it is ready: it has loaded a model then."""
        key = environment.metadata.key
        pods = [
            pod
            for pod in self._state.pods.of_candidate(key)
            if pod.ready and not pod.finished and pod.model_hash == model.hash
        ]
        secret, port = secret_of_servers(key, self._children), port_of_servers(environment, self._state.lister)
        if not pods or port is None:
            return None
        return server_at(key, rasa_servers(pods[:1], port)[0].url, secret)

    def obstacle(self, environment: ObjectKey) -> str:
        """Return why the environment's candidate is not ready, as far as known, on one line."""
        return one_line(self._obstacle(environment), secret_of_servers(environment, self._children).values())

    def _obstacle(self, environment: ObjectKey) -> str:
        problem = self._state.candidate_problems.get(environment)
        if problem is not None:
            return problem.message
        pods = self._state.pods.of_candidate(environment)
        waiting = next((f"pod {pod.name}: {pod.waiting}" for pod in pods if pod.waiting is not None), None)
        if waiting is not None:
            return waiting
        deployment = self._children.live(DEPLOYMENTS, candidate_key(environment))
        failure = None if deployment is None else deployment_facts(deployment).failure
        if failure is not None:
            return failure
        if not pods:
            return "it has no pod: see the conditions and Events of the environment"
        return f"pod {pods[0].name} has not loaded the model: see its log"

    def secrets(self, environment: ObjectKey) -> tuple[str, ...]:
        """Return the values of the environment's Secret, none of which is published."""
        return values_to_hide(secret_of_servers(environment, self._children))
