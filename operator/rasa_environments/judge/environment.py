"""The verdicts on an environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.judge.action_servers import (
    action_server_conditions,
    action_server_not_observed,
    action_server_unavailable,
)
from rasa_environments.judge.conditions import condition, condition_of
from rasa_environments.judge.conversations import conversations_persisted
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.environment_status import status_of
from rasa_environments.judge.licenses import license_invalid, license_valid
from rasa_environments.judge.registration import registered
from rasa_environments.judge.rollouts import incomplete
from rasa_environments.judge.served import model_served
from rasa_environments.judge.verdicts import (
    Check,
    Progress,
    Verdict,
    condition_from,
    only_if,
    progress_of,
    verdict_of,
    verdicts_on,
)


def judge(facts: EnvironmentFacts, before: EnvironmentStatus) -> tuple[EnvironmentStatus, tuple[Condition, ...]]:
    """Return the status without its conditions, and the conditions without their times."""
    verdicts, served = tuple(verdicts_on(facts, VERDICTS)), model_served(facts)
    licensed = license_valid(facts)
    conditions = (
        condition_from(ConditionType.READY, verdicts[0] if verdicts else ready(facts, served)),
        *progress_of(verdicts),
        condition_from(ConditionType.AVAILABLE, available(facts)),
        condition_from(ConditionType.MODEL_AVAILABLE, model_available(facts)),
        condition_from(ConditionType.MODEL_SERVED, served),
        persisted(facts, before),
        *([condition_from(ConditionType.LICENSE_VALID, licensed)] if licensed is not None else ()),
        *action_server_conditions(facts, before),
        *registered(facts.registration),
    )
    return status_of(facts, before), conditions


def suspended(before: EnvironmentStatus) -> tuple[Condition, ...]:
    """Return the conditions of a suspended environment: Ready is Unknown, since it is not checked."""
    message = "reconciliation is suspended and the pods run as they are: remove spec.suspend to resume"
    kept = [
        entry for entry in before.conditions or () if entry.type not in (ConditionType.READY, ConditionType.RECONCILING)
    ]
    return (
        condition(ConditionType.READY, "Unknown", Reason.SUSPENDED, message),
        condition(ConditionType.RECONCILING, "False", Reason.SUSPENDED, message),
        *kept,
    )


def blocked(facts: EnvironmentFacts) -> Verdict | None:
    """Report what is missing or wrong, so that the children were not all applied."""
    return verdict_of(facts.problem)


def no_model(facts: EnvironmentFacts) -> Verdict | None:
    """Report that no model has the tag, where pods do not become ready without one."""
    return only_if("False", model_available(facts)) if facts.model_required else None


def rollout_incomplete(facts: EnvironmentFacts) -> Verdict | None:
    """Report that the Deployment lacks available pods of its latest template, or has others left."""
    deployment = facts.deployment
    if deployment is None or deployment.available_at_generation:
        return None
    return incomplete(facts.child, deployment, facts.pods)


def external_unreachable(facts: EnvironmentFacts) -> Verdict | None:
    """Report that an external Rasa server does not answer; one that answered recently may be loading a model."""
    fault = next((result for result in facts.served if result.problem is not None), None)
    if not facts.external or fault is None or fault.known or fault.reason is Reason.MODEL_UNKNOWN:
        return None
    unreachable = fault.reason is Reason.EXTERNAL_SERVER_UNREACHABLE
    progress: Progress = ConditionType.RECONCILING if unreachable else ConditionType.STALLED
    return Verdict("False", fault.reason, f"{fault.server} is not checked: {fault.problem}", progress)


def other_model_served(facts: EnvironmentFacts) -> Verdict | None:
    """Report a Rasa server without the desired model, which it is about to pull, or that no replica is wanted."""
    served = model_served(facts)
    if facts.wanted is None or served.status != "False":
        return None
    return served if served.reason is Reason.NO_PODS else replace(served, progress=ConditionType.RECONCILING)


def not_observed(facts: EnvironmentFacts) -> Verdict | None:
    """Report that the Deployment is not in the cache yet, or that the external server does not answer just now."""
    if not facts.external:
        missing = f"Deployment {facts.child} has not been seen yet"
        return Verdict("Unknown", Reason.PENDING, missing) if facts.deployment is None else None
    if not facts.served:
        return Verdict("Unknown", Reason.PENDING, "the Rasa server has not been asked yet")
    result = facts.served[0]
    if result.problem is None:
        return None
    return Verdict("Unknown", result.reason, f"{result.server} does not answer now: {result.problem}")


def served_model_unknown(facts: EnvironmentFacts) -> Verdict | None:
    """Report a Rasa server that does not report its model."""
    return only_if("Unknown", model_served(facts)) if facts.wanted is not None else None


def wanted_model_unknown(facts: EnvironmentFacts) -> Verdict | None:
    """Report that the model server could never be asked which model has the tag, where one is required."""
    required = facts.model_required and facts.wanted is None
    return only_if("Unknown", model_available(facts)) if required else None


VERDICTS: Final[tuple[Check[EnvironmentFacts], ...]] = (
    blocked,
    license_invalid,
    no_model,
    rollout_incomplete,
    action_server_unavailable,
    external_unreachable,
    other_model_served,
    not_observed,
    action_server_not_observed,
    served_model_unknown,
    wanted_model_unknown,
)
"""Why an environment is not ready; the first that applies decides Ready.

What is known to be wrong precedes what is unknown, and a cause precedes its effects: without a model or a licence, pods
do not become ready, so `no_model` and `license_invalid` precede `rollout_incomplete`. Nobody works on `no_model`, which
a promotion ends, so Reconciling and Stalled report what comes after it.
"""

UNAVAILABLE: Final[tuple[Check[EnvironmentFacts], ...]] = (
    blocked,
    rollout_incomplete,
    external_unreachable,
    not_observed,
)
"""The ones among them that decide Available."""


def ready(facts: EnvironmentFacts, served: Verdict) -> Verdict:
    """Return the verdict on an environment that is in its desired state and serves its model."""
    if facts.wanted is None:
        message = f"the Rasa server is available; no model is required{without_channels(facts)}"
        return Verdict("True", Reason.READY, message)
    if served.reason is Reason.SERVED_UNCHECKED:
        return served
    last = f", which was wanted when ModelServer {facts.server} answered last" if facts.tag_problem else ""
    return Verdict("True", Reason.READY, f"serves {facts.wanted.name}{last}{without_channels(facts)}")


def available(facts: EnvironmentFacts) -> Verdict:
    """Return whether all objects of the spec exist and the Rasa servers are available."""
    deployment, verdict = facts.deployment, next(verdicts_on(facts, UNAVAILABLE), None)
    if verdict is not None:
        return verdict
    if facts.external or deployment is None:  # not_observed() has found the answer, or else the Deployment.
        return Verdict("True", Reason.AVAILABLE, f"{facts.served[0].server} answers")
    counted = f"{deployment.available} of {deployment.wanted} pods available"
    return Verdict("True", Reason.AVAILABLE, f"{counted}{without_channels(facts)}")


def model_available(facts: EnvironmentFacts) -> Verdict:
    """Return whether a model has the tag; Unknown if the model server cannot be asked."""
    problem = facts.tag_problem
    if problem is not None:
        return Verdict("Unknown", problem.reason, problem.message)
    if facts.wanted is None:
        return Verdict(
            "False",
            Reason.TAG_NOT_FOUND,
            f"no model on ModelServer {facts.server} carries the tag {facts.tag}: promote one, "
            f"for example `kubectl rasa promote MODEL {facts.environment}`",
        )
    return Verdict("True", Reason.MODEL_FOUND, f"model {facts.wanted.name} carries the tag {facts.tag}")


def persisted(facts: EnvironmentFacts, before: EnvironmentStatus) -> Condition:
    """Return whether conversations survive the pods: the previous verdict if that was not determined this time."""
    kind = ConditionType.CONVERSATIONS_PERSISTED
    if facts.conversations is not None:
        return conversations_persisted(facts.conversations)
    last = condition_of(before.conditions, kind)
    if last is not None:
        return last
    return condition(kind, "Unknown", Reason.PENDING, "not determined yet where conversations are kept")


def without_channels(facts: EnvironmentFacts) -> str:
    """Return a hint for environments that no user can reach."""
    if facts.channels is None or facts.channels:
        return ""
    return "; no channel is open, so users cannot reach them: add one to spec.channels, for example [{name: rest}]"
