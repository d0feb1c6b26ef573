"""Two environments of one model server with what each must have for itself: the older has it."""

from __future__ import annotations

from rasa_environments.api.conditions import Reason
from rasa_environments.judge.findings import Problem
from rasa_environments.reconcile.directory import Rival

WAYS_OUT = {
    Reason.ENVIRONMENT_CONFLICT: "delete one of the two, or create this one with another spec.environment",
    Reason.TAG_CONFLICT: "each environment has a tag of its own, and a model may carry several; set another spec.tag",
    Reason.QUEUE_CONFLICT: "Rasa X files the events of a queue under one environment; set another queue in "
    "spec.eventBroker.rabbitmq.queues, or leave it out",
    Reason.DATABASE_CONFLICT: "their conversations would mix; set another database in spec.trackerStore",
}


def conflict(rival: Rival) -> Problem:
    """Why the newer environment is left alone."""
    return Problem(
        rival.reason,
        f"{rival.what} is taken by environment {rival.environment.metadata.key} on the same ModelServer: "
        f"{WAYS_OUT[rival.reason]}",
    )
