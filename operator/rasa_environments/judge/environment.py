"""The verdicts on an environment."""

from __future__ import annotations

from rasa_environments.api.base import ModelReference, SecretKeyRef, SecretValue
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.desired.secret_variables import TOKEN_KEY
from rasa_environments.domain.facts import DeploymentFacts, Problem
from rasa_environments.judge.comparison import serves
from rasa_environments.judge.conditions import condition, condition_of, reconciling, registered, stalled
from rasa_environments.judge.conversations import conversations_persisted
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.served import model_served, served_models


def judge(facts: EnvironmentFacts, before: EnvironmentStatus) -> tuple[EnvironmentStatus, tuple[Condition, ...]]:
    """Return the status without its conditions, and the conditions without their times."""
    model, served = model_available(facts), model_served(facts)
    trouble = facts.problem or rollout(facts) or silent_elsewhere(facts)
    usable = available(facts, trouble)
    conditions = (
        ready(facts, usable, model, served),
        reconciling(trouble or pulling(served)),
        stalled(trouble),
        usable,
        model,
        served,
        persisted(facts, before),
        *registered(facts.registration),
    )
    return status_of(facts, before), conditions


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
        ready_replicas=ready_replicas(facts),
        ingress_hosts=sorted(facts.ingress_hosts) or None,
        auth_token=SecretValue(secret_key_ref=token) if deployment is not None else before.auth_token,
        last_handled_rotate_token_at=facts.token_rotated_at or before.last_handled_rotate_token_at,
        # The count is kept during a rollout, which the conditions report with fewer writes.
        replicas=deployment.replicas if deployment is not None and settled else before.replicas or 0,
        selector=facts.selector or before.selector,
    )


def ready_replicas(facts: EnvironmentFacts) -> int | None:
    """Return the number of Rasa servers available to users; None if unknown."""
    if facts.external:
        return sum(result.problem is None for result in facts.served)
    return None if facts.deployment is None else facts.deployment.available


def suspended(before: EnvironmentStatus) -> tuple[Condition, ...]:
    """Return the conditions of a suspended environment: Ready is Unknown, since it is not checked."""
    message = "reconciling is suspended: remove spec.suspend to go on; the pods run as they are"
    kept = [
        entry for entry in before.conditions or () if entry.type not in (ConditionType.READY, ConditionType.RECONCILING)
    ]
    return (
        condition(ConditionType.READY, "Unknown", Reason.SUSPENDED, message),
        condition(ConditionType.RECONCILING, "False", Reason.SUSPENDED, message),
        *kept,
    )


def available(facts: EnvironmentFacts, trouble: Problem | None) -> Condition:
    """Return whether all objects of the spec exist and the Rasa servers are available."""
    kind, deployment = ConditionType.AVAILABLE, facts.deployment
    if trouble is not None:
        return condition(kind, "False", trouble.reason, trouble.message)
    if facts.external:
        if not facts.served:
            return condition(kind, "Unknown", Reason.PENDING, "the Rasa server was not asked yet")
        result = facts.served[0]
        if result.problem is not None:
            return condition(kind, "Unknown", result.reason, f"{result.server} does not answer now: {result.problem}")
        return condition(kind, "True", Reason.AVAILABLE, f"{result.server} answers")
    if deployment is None:
        return condition(kind, "Unknown", Reason.PENDING, f"Deployment {facts.child} was not seen yet")
    counted = f"{deployment.available} of {deployment.wanted} pods available"
    return condition(kind, "True", Reason.AVAILABLE, f"{counted}{without_channels(facts)}")


def without_channels(facts: EnvironmentFacts) -> str:
    """Return a hint for environments that no user can reach."""
    if facts.channels is None or facts.channels:
        return ""
    return "; no channel is open, so no user reaches them: name one in spec.channels, for example [{name: rest}]"


def model_available(facts: EnvironmentFacts) -> Condition:
    """Return whether a model has the tag; Unknown if the model server cannot be asked."""
    kind, problem = ConditionType.MODEL_AVAILABLE, facts.tag_problem
    if problem is not None:
        return condition(kind, "Unknown", problem.reason, problem.message)
    if facts.wanted is None:
        return condition(
            kind,
            "False",
            Reason.TAG_NOT_FOUND,
            f"no model on ModelServer {facts.server} carries the tag {facts.tag}: promote one, "
            f"for example `kubectl rasa promote MODEL {facts.environment}`",
        )
    return condition(kind, "True", Reason.MODEL_FOUND, f"model {facts.wanted.name} carries the tag {facts.tag}")


def rollout(facts: EnvironmentFacts) -> Problem | None:
    """Return why the rollout of the Deployment is incomplete, or None."""
    deployment = facts.deployment
    if deployment is None or deployment.available_at_generation:
        return None
    fault = next((pod for pod in facts.pods if pod.waiting is not None), None)
    reason = f"; pod {fault.name}: {fault.waiting}" if fault else ""
    counted = f"Deployment {facts.child}: {missing_from(deployment)}"
    if deployment.failure is not None:
        return Problem(Reason.DEPLOYMENT_FAILED, f"{counted}{reason}; {deployment.failure}")
    return Problem(Reason.WAITING_FOR_PODS, f"waiting for {counted}{reason}", stalled=False)


def silent_elsewhere(facts: EnvironmentFacts) -> Problem | None:
    """Return why an external Rasa server does not answer; one that answered recently may be loading a model."""
    fault = next((result for result in facts.served if result.problem is not None), None)
    if not facts.external or fault is None or fault.known or fault.reason is Reason.MODEL_UNKNOWN:
        return None
    unreachable = fault.reason is Reason.EXTERNAL_SERVER_UNREACHABLE
    return Problem(fault.reason, f"{fault.server} is not looked at: {fault.problem}", stalled=not unreachable)


def missing_from(deployment: DeploymentFacts) -> str:
    """Return the first thing that an incomplete Deployment is missing."""
    wanted = deployment.wanted
    if deployment.available < wanted:
        return f"{deployment.available} of {wanted} pods available"
    if deployment.updated < wanted:
        return f"{deployment.updated} of {wanted} pods of the latest template"
    if deployment.replicas > wanted:
        return f"{deployment.replicas - wanted} pods to be removed"
    return "its controller has not taken up the latest change yet"


def pulling(served: Condition) -> Problem | None:
    """Return a problem if a ready pod serves a model other than the desired one, which it is about to pull."""
    if served.status != "False" or served.reason == Reason.NO_PODS:
        return None
    return Problem(Reason(served.reason), served.message, stalled=False)


def ready(facts: EnvironmentFacts, usable: Condition, model: Condition, served: Condition) -> Condition:
    """Return whether the environment is in its desired state and serves its model; the first failing check decides."""
    kind, required = ConditionType.READY, facts.model_required
    # A missing model is reported before the rollout, since it is why pods do not become ready.
    counted = [usable] if facts.problem is not None else []
    counted += [model] if required and model.status == "False" else []
    counted += [usable, *([served] if facts.wanted is not None else [])]
    counted += [model] if required and facts.wanted is None else []
    for status in ("False", "Unknown"):
        for entry in counted:
            if entry.status == status:
                return condition(kind, status, Reason(entry.reason), entry.message)
    reason = Reason.SERVED_UNCHECKED if served.reason == Reason.SERVED_UNCHECKED else Reason.READY
    return condition(kind, "True", reason, _ready_message(facts, served))


def _ready_message(facts: EnvironmentFacts, served: Condition) -> str:
    if facts.wanted is None:
        return f"the Rasa server is available; no model is wanted{without_channels(facts)}"
    if served.reason == Reason.SERVED_UNCHECKED:
        return served.message
    last = f", which was wanted when ModelServer {facts.server} answered last" if facts.tag_problem else ""
    return f"serves {facts.wanted.name}{last}{without_channels(facts)}"


def persisted(facts: EnvironmentFacts, before: EnvironmentStatus) -> Condition:
    """Return whether conversations survive the pods: the previous verdict if that was not determined this time."""
    kind = ConditionType.CONVERSATIONS_PERSISTED
    if facts.conversations is not None:
        return conversations_persisted(facts.conversations)
    last = condition_of(before.conditions, kind)
    if last is not None:
        return last
    return condition(kind, "Unknown", Reason.PENDING, "where conversations are kept was not found out yet")
