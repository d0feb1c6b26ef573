"""The verdict on a Deployment: whether all of its pods have the latest template and are available."""

from __future__ import annotations

from collections.abc import Iterable

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.domain.facts import DeploymentFacts, PodFacts
from rasa_environments.judge.verdicts import Verdict


def incomplete(child: ObjectKey, deployment: DeploymentFacts, pods: Iterable[PodFacts]) -> Verdict:
    """Return what the Deployment `child`, whose rollout is not complete, is waiting for, or why it has failed."""
    fault = next((pod for pod in pods if pod.waiting is not None), None)
    reason = f"; pod {fault.name}: {fault.waiting}" if fault else ""
    counted = f"Deployment {child}: {missing_from(deployment)}"
    if deployment.failure is not None:
        message = f"{counted}{reason}; {deployment.failure}"
        return Verdict("False", Reason.DEPLOYMENT_FAILED, message, ConditionType.STALLED)
    return Verdict("False", Reason.WAITING_FOR_PODS, f"waiting for {counted}{reason}", ConditionType.RECONCILING)


def missing_from(deployment: DeploymentFacts) -> str:
    """Return the first thing that an incomplete Deployment is missing."""
    wanted = deployment.wanted
    if deployment.available < wanted:
        return f"{deployment.available} of {wanted} pods available"
    if deployment.updated < wanted:
        return f"{deployment.updated} of {wanted} pods of the latest template"
    if deployment.replicas > wanted:
        return f"{deployment.replicas - wanted} pods to be removed"
    return "its controller has not observed the latest change yet"
