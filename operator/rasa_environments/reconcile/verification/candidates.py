"""The candidates of environments: which are ready, and why the others are not."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.shapes import mapping, text
from rasa_environments.cluster.resources import DEPLOYMENTS, SECRETS
from rasa_environments.controller.state import State
from rasa_environments.desired.context import candidate_key, child_key, port_of
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.secret_variables import TOKEN_KEY
from rasa_environments.domain.facts import TaggedModel, deployment_facts
from rasa_environments.domain.lister import server_of_environment
from rasa_environments.rasa.redaction import one_line
from rasa_environments.reconcile.ports import ChildApplier
from rasa_environments.reconcile.served import rasa_servers

SHORTEST_SECRET: Final = 6
"""Characters from which on a value of the Secret is looked for in what a bot says: of a shorter one, every word may be
a part."""


@dataclass(frozen=True)
class CandidateServer:
    """A candidate that has loaded its model."""

    environment: ObjectKey
    url: str
    token: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """All values of the environment's Secret: whatever the bot says, none of them is published."""


class Candidates:
    """Finds candidates among the pods and children of environments."""

    def __init__(self, state: State, children: ChildApplier) -> None:
        self._state = state
        self._children = children

    def ready(self, environment: DeploymentEnvironment, model: TaggedModel) -> CandidateServer | None:
        """Return the environment's candidate for that model, None unless it is ready: it has loaded a model then."""
        key = environment.metadata.key
        pods = [
            pod
            for pod in self._state.pods.of_candidate(key)
            if pod.ready and not pod.finished and pod.model_hash == model.hash
        ]
        secret, port = self._secret(key), self._port(environment)
        token = secret.get(TOKEN_KEY)
        if not pods or token is None or port is None:
            return None
        url = rasa_servers(pods[:1], port)[0].url
        secrets = tuple(value for value in secret.values() if len(value) >= SHORTEST_SECRET)
        return None if url is None else CandidateServer(key, url, token, (token, *secrets))

    def obstacle(self, environment: ObjectKey) -> str:
        """Return why the environment's candidate is not ready, as far as known, on one line."""
        return one_line(self._obstacle(environment), self._secret(environment).values())

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

    def _secret(self, environment: ObjectKey) -> dict[str, str]:
        """Return the texts in the environment's Secret, by key; empty if there is none yet."""
        secret = self._children.live(SECRETS, child_key(environment))
        data = {} if secret is None else mapping(secret.get("data"))
        decoded = ((key, _decoded(text(value))) for key, value in data.items())
        return {key: value for key, value in decoded if value is not None}

    def _port(self, environment: DeploymentEnvironment) -> int | None:
        server = self._state.lister.servers.get(server_of_environment(environment))
        try:
            return None if server is None else port_of(merged_spec(environment, server))
        except SpecError:
            return None


def _decoded(value: str | None) -> str | None:
    try:
        return None if value is None else b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
