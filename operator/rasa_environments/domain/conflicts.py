"""Conflicts between two environments over something exclusive: one has it, the other is left alone."""

from __future__ import annotations

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Conflict

WAYS_OUT = {
    Reason.ENVIRONMENT_CONFLICT: "delete one of the two, or create this one with another spec.environment",
    Reason.TAG_CONFLICT: "each environment has a tag of its own, and a model may carry several; set another spec.tag",
    Reason.QUEUE_CONFLICT: "Rasa X files the events of a queue under one environment; set another queue in "
    "spec.eventBroker.rabbitmq.queues, or leave it out",
    Reason.DATABASE_CONFLICT: "their conversations would mix; set another database in spec.trackerStore",
    Reason.HOST_CONFLICT: "set another host in spec.ingress, one that no wildcard of another environment covers",
}
CONFLICTS = frozenset(WAYS_OUT)
CONFLICT_SECONDS = 300.0
"""Seconds until a conflict is checked again: its message names an environment that may have been replaced by
another."""


def problem_of(conflict: Conflict, environment: DeploymentEnvironment) -> Problem:
    """Return why `environment` is left alone; for a host of another namespace without the other environment's name."""
    other = conflict.environment.metadata
    if conflict.reason is not Reason.HOST_CONFLICT:
        whose = f"environment {other.key} on the same ModelServer"
    elif other.namespace == environment.metadata.namespace:
        whose = f"environment {other.key}"
    else:
        whose = "an environment in another namespace"
    return Problem(conflict.reason, f"{conflict.what} is already used by {whose}: {WAYS_OUT[conflict.reason]}")
