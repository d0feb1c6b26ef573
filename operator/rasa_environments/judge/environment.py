"""The verdicts on an environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus, ModelStatus
from rasa_environments.judge.conditions import condition, condition_of, reconciling, registered, stalled
from rasa_environments.judge.findings import (
    DeploymentFacts,
    PodFacts,
    Problem,
    RegistrationFact,
    ServedFact,
    TaggedModel,
)

PULL_FAILS = frozenset({Reason.UNAUTHORIZED, Reason.TAG_NOT_FOUND})
"""Reasons for which the environment's own Rasa servers get no model either."""


@dataclass(frozen=True)
class EnvironmentFindings:
    """All that a pass found out about an environment."""

    environment: str
    tag: str
    child: ObjectKey
    server: ObjectKey
    problem: Problem | None = None
    url: str | None = None
    token_rotated_at: str | None = None
    model_required: bool = True
    replicas_without_shared_stores: int = 0
    """How many replicas are wanted without a common lock store and tracker store; 0 where all is well."""
    wanted: TaggedModel | None = None
    """Model that carries the tag: the last known, where `tag_problem` says that it cannot be asked for."""
    tag_problem: Problem | None = None
    deployment: DeploymentFacts | None = None
    pods: tuple[PodFacts, ...] = ()
    served: tuple[ServedFact, ...] = ()
    """Answers of the pods that are ready, or were."""
    lost: tuple[str, ...] = ()
    """Which of them have lost the wanted model, which they served before."""
    healing: bool = True
    """Whether such pods are restarted."""
    selector: str | None = None
    ingress_host: str | None = None
    """Host of its Ingress: the last one, while a problem keeps it from being changed."""
    external: bool = False
    """Whether its Rasa server runs elsewhere, and is only asked."""
    registration: RegistrationFact | None = None
    """What came of its registration; None where its model server has no registry."""


def judged(findings: EnvironmentFindings, before: EnvironmentStatus) -> tuple[EnvironmentStatus, tuple[Condition, ...]]:
    """The status without its conditions, and the conditions without their times."""
    available = model_available(findings)
    served = model_served(findings)
    trouble = findings.problem or rollout(findings) or silent_elsewhere(findings)
    conditions = [
        ready(findings, available, served, trouble),
        reconciling(trouble or pulling(served)),
        stalled(trouble),
        available,
        served,
    ]
    if findings.replicas_without_shared_stores:
        conditions.append(stores_shared(findings.replicas_without_shared_stores))
    conditions += registered(findings.registration)
    deployment = findings.deployment
    settled = deployment is not None and (deployment.settled or deployment.failure is not None)
    status = EnvironmentStatus(
        url=findings.url or before.url,
        environment=findings.environment,
        tag=findings.tag,
        model=model_status(findings),
        ingress_host=findings.ingress_host,
        token_secret=findings.child.name if deployment is not None else before.token_secret,
        token_rotated_at=findings.token_rotated_at or before.token_rotated_at,
        # While pods come and go the count is kept: a rollout is told by the conditions, in fewer writes.
        replicas=deployment.replicas if deployment is not None and settled else before.replicas or 0,
        selector=findings.selector or before.selector,
    )
    return status, tuple(conditions)


def suspended(before: EnvironmentStatus) -> tuple[Condition, ...]:
    """The conditions of a suspended environment: Ready stays as it was last seen, and says that nobody looks."""
    message = "reconciling is suspended: take spec.suspend away to go on; the pods run as they are"
    kept = [
        entry for entry in before.conditions or () if entry.type not in (ConditionType.READY, ConditionType.RECONCILING)
    ]
    last = condition_of(before.conditions, ConditionType.READY)
    return (
        condition(ConditionType.READY, last.status if last else "Unknown", Reason.SUSPENDED, message),
        condition(ConditionType.RECONCILING, "False", Reason.SUSPENDED, message),
        *kept,
    )


def model_available(findings: EnvironmentFindings) -> Condition:
    """Whether a model carries the tag."""
    kind = ConditionType.MODEL_AVAILABLE
    problem = findings.tag_problem
    if problem is not None:
        return condition(kind, "False" if problem.reason in PULL_FAILS else "Unknown", problem.reason, problem.message)
    if findings.wanted is None:
        return condition(
            kind,
            "False",
            Reason.TAG_NOT_FOUND,
            f"no model on ModelServer {findings.server} carries the tag {findings.tag}: promote one, "
            f"for example `kubectl rasa promote MODEL {findings.environment}`",
        )
    return condition(kind, "True", Reason.MODEL_FOUND, f"model {findings.wanted.name} carries the tag {findings.tag}")


def model_served(findings: EnvironmentFindings) -> Condition:
    """Whether every ready pod serves the wanted model; Unknown where they cannot be asked."""
    if findings.lost and findings.wanted is not None:
        message = lost_message(findings, findings.wanted.name)
        return condition(ConditionType.MODEL_SERVED, "False", Reason.MODEL_LOST, message)
    return model_answered(findings)


def model_answered(findings: EnvironmentFindings) -> Condition:
    """The same by the last answers alone."""
    kind = ConditionType.MODEL_SERVED
    answered = [fact for fact in findings.served if fact.problem is None]
    if not findings.served:
        return condition(kind, "Unknown", Reason.NO_PODS, "no pod is ready to be asked which model it serves")
    if len(answered) < len(findings.served):
        silent = next(fact for fact in findings.served if fact.problem is not None)
        return condition(
            kind,
            "Unknown",
            silent.reason,
            f"{silent.server} does not say what it serves: {silent.problem}",
        )
    if findings.wanted is None:
        who = f"{answered[0].server} serves" if findings.external else "pods serve"
        return condition(
            kind, "Unknown", Reason.TAG_NOT_FOUND, f"{who} {_names(answered)}; which model is wanted is not known"
        )
    wrong = [fact for fact in answered if fact.model != findings.wanted.name]
    if not wrong:
        pods = f"{len(answered)} of {len(answered)} ready pods serve"
        who = f"{answered[0].server} serves" if findings.external else pods
        return condition(kind, "True", Reason.SERVED, f"{who} {findings.wanted.name}")
    first = wrong[0]
    if first.model is None:
        return condition(
            kind,
            "False",
            Reason.NO_MODEL_SERVED,
            f"{first.server} serves no model, {findings.wanted.name} is wanted: it has not pulled it yet or could not "
            "load it (see its log)",
        )
    return condition(
        kind,
        "False",
        Reason.ANOTHER_MODEL_SERVED,
        f"{first.server} serves {first.model}, {findings.wanted.name} is wanted: "
        "it has not pulled it yet or could not load it (see its log)",
    )


def lost_message(findings: EnvironmentFindings, wanted: str) -> str:
    """What became of the first pod that has lost its model, and what is done about it."""
    pod = findings.lost[0]
    fact = next((fact for fact in findings.served if fact.server == pod), None)
    now = "does not answer now"
    if fact is not None and fact.problem is None:
        now = f"serves {fact.model or 'no model'} now"
    elif fact is not None and fact.reason is Reason.MODEL_UNKNOWN:
        now = "serves a model now that the model server does not list"
    cure = (
        "if that lasts, the pod is restarted"
        if findings.healing
        else "spec.model.healing is Disabled: delete the pod to have it restarted"
    )
    return f"{pod} had {wanted} and {now}: its tag has just moved, or somebody used Rasa's API to replace it; {cure}"


def rollout(findings: EnvironmentFindings) -> Problem | None:
    """What the Deployment still lacks."""
    deployment = findings.deployment
    if deployment is None or deployment.available_at_generation:
        return None
    fault = next((pod for pod in findings.pods if pod.waiting is not None), None)
    reason = f"; pod {fault.name}: {fault.waiting}" if fault else ""
    counted = f"Deployment {findings.child}: {lacking(deployment)}"
    if deployment.failure is not None:
        return Problem(Reason.DEPLOYMENT_FAILED, f"{counted}{reason}; {deployment.failure}")
    return Problem(Reason.WAITING_FOR_PODS, f"waiting for {counted}{reason}", stalled=False)


def silent_elsewhere(findings: EnvironmentFindings) -> Problem | None:
    """Why a Rasa server that runs elsewhere does not answer."""
    fault = next((fact for fact in findings.served if fact.problem is not None), None)
    if not findings.external or fault is None or fault.reason is Reason.MODEL_UNKNOWN:
        return None
    unreachable = fault.reason is Reason.EXTERNAL_SERVER_UNREACHABLE
    return Problem(fault.reason, f"{fault.server} is not looked at: {fault.problem}", stalled=not unreachable)


def lacking(deployment: DeploymentFacts) -> str:
    """What a Deployment that is not as wanted lacks first, in words."""
    wanted = deployment.wanted
    if deployment.available < wanted:
        return f"{deployment.available} of {wanted} pods available"
    if deployment.updated < wanted:
        return f"{deployment.updated} of {wanted} pods of the latest template"
    if deployment.replicas > wanted:
        return f"{deployment.replicas - wanted} pods to be removed"
    return "its controller has not taken up the latest change yet"


def pulling(served: Condition) -> Problem | None:
    """A ready pod that serves another model than wanted is about to pull it."""
    if served.status != "False":
        return None
    return Problem(Reason(served.reason), served.message, stalled=False)


def ready(findings: EnvironmentFindings, available: Condition, served: Condition, trouble: Problem | None) -> Condition:
    """Whether the environment is as wanted and serves the model of its tag."""
    kind = ConditionType.READY
    missing = findings.model_required and (findings.wanted is None or available.status == "False")
    if trouble is not None and (findings.problem is not None or not missing):
        return condition(kind, "False", trouble.reason, trouble.message)
    if missing:  # Told before the rollout: pods without a model do not become ready, and the model is what to see to.
        return condition(kind, "False", Reason(available.reason), available.message)
    if served.status == "False":
        return condition(kind, "False", Reason(served.reason), served.message)
    return condition(kind, "True", Reason.READY, _ready_message(findings, served))


def _ready_message(findings: EnvironmentFindings, served: Condition) -> str:
    if findings.wanted is None:
        return "the Rasa server is available; no model is wanted"
    if served.status == "True":
        return f"serves {findings.wanted.name}"
    unknown = f"whether it is served is not known: {served.message}"
    return f"the Rasa server is available and {findings.wanted.name} is wanted; {unknown}"


def stores_shared(replicas: int) -> Condition:
    """Several replicas that know nothing of each other's conversations."""
    return condition(
        ConditionType.STORES_SHARED,
        "False",
        Reason.REPLICAS_WITHOUT_SHARED_STORES,
        f"{replicas} replicas without both a lockStore and a trackerStore: each server keeps its own conversations in "
        "memory, so users are forgotten when another one answers, and two may answer one message; set spec.lockStore "
        "and spec.trackerStore",
    )


def model_status(findings: EnvironmentFindings) -> ModelStatus | None:
    """Which model is wanted, and which is served."""
    answered = [fact for fact in findings.served if fact.problem is None]
    if findings.wanted is None and not answered:
        return None
    serving = [fact for fact in answered if findings.wanted is not None and fact.model == findings.wanted.name]
    return ModelStatus(
        wanted=findings.wanted.name if findings.wanted else None,
        wanted_hash=findings.wanted.hash if findings.wanted else None,
        served=_names(answered) if any(fact.model for fact in answered) else None,
        served_by=f"{len(serving)}/{len(findings.served)}" if answered else None,
    )


def _names(answers: Sequence[ServedFact]) -> str:
    return ",".join(sorted({answer.model or "no model" for answer in answers}))
