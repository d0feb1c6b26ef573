"""The status of an environment, without its conditions."""

from __future__ import annotations

from rasa_environments.api.base import ModelReference, SecretKeyRef, SecretValue
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.desired.secret_variables import TOKEN_KEY
from rasa_environments.judge.action_servers import action_server_status
from rasa_environments.judge.comparison import serves
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.licenses import license_expiry_time
from rasa_environments.judge.served import non_serving_pods, served_models


def status_of(facts: EnvironmentFacts, before: EnvironmentStatus) -> EnvironmentStatus:
    """Return the status without its conditions."""
    deployment, wanted = facts.deployment, facts.wanted
    settled = deployment is not None and (deployment.settled or deployment.failure is not None)
    answered = any(result.known for result in facts.served)
    serving = [result for result in facts.served if wanted is not None and serves(result, wanted) == "True"]
    token = SecretKeyRef(name=facts.child.name, key=TOKEN_KEY)
    return EnvironmentStatus(
        url=facts.url or before.url,
        environment=facts.environment,
        tag=facts.tag,
        desired_model=ModelReference(name=wanted.name, hash=wanted.hash) if wanted else None,
        served_models=served_models(facts.served, wanted) or None,
        serving_replicas=len(serving) if answered else None,
        non_serving_pods=non_serving_pods(facts) or None,
        ready_replicas=ready_replicas(facts),
        ingress_hosts=sorted(facts.ingress_hosts) or None,
        auth_token=SecretValue(secret_key_ref=token) if deployment is not None else before.auth_token,
        last_handled_rotate_token_at=facts.token_rotated_at or before.last_handled_rotate_token_at,
        license_expiry_time=license_expiry_time(facts),
        action_server=action_server_status(facts, before),
        # The count is kept during a rollout, which the conditions report with fewer writes.
        replicas=deployment.replicas if deployment is not None and settled else before.replicas or 0,
        selector=facts.selector or before.selector,
    )


def ready_replicas(facts: EnvironmentFacts) -> int | None:
    """Return the number of Rasa servers available to users; None if unknown."""
    if facts.external:
        return sum(result.problem is None for result in facts.served)
    return None if facts.deployment is None else facts.deployment.available
