"""The verdicts on a ModelTag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.model_tag import Follower as FollowerStatus
from rasa_environments.api.model_tag import HistoryEntry, ModelTag, ModelTagStatus
from rasa_environments.judge.conditions import condition, reconciling, stalled
from rasa_environments.judge.findings import Follower, Problem, TaggedModel

MAXIMUM_FOLLOWERS = 256
"""As many environments as the status lists."""


@dataclass(frozen=True)
class ModelTagFindings:
    """All that a pass found out about a ModelTag."""

    tag: str
    model: str
    problem: Problem | None = None
    tagged: TaggedModel | None = None
    """What the tag answers with, once the server has confirmed it."""
    followers: tuple[Follower, ...] = ()


def judged(findings: ModelTagFindings, before: ModelTag, time: str) -> tuple[ModelTagStatus, tuple[Condition, ...]]:
    """The status without its conditions, and the conditions without their times. `time` dates a new model."""
    served = served_by_followers(findings)
    tagged = tagged_as_wanted(findings)
    conditions = (
        ready(findings, served),
        tagged,
        served,
        reconciling(findings.problem),
        stalled(findings.problem),
    )
    known = before.status if before.status.tag in (None, findings.tag) else ModelTagStatus()
    history = history_with(known, findings.tagged, time, before.promoted_by)
    latest = history[0] if history else None
    status = ModelTagStatus(
        tag=findings.tag,
        model=latest.model if latest else None,
        hash=latest.hash if latest else None,
        previous_model=previous_model(history, known),
        history=list(history[: before.spec.history_limit]) or None,
        environments=[
            FollowerStatus(
                namespace=follower.key.namespace, name=follower.key.name, served=follower.served, ready=follower.ready
            )
            for follower in findings.followers[:MAXIMUM_FOLLOWERS]
        ]
        or None,
    )
    return status, conditions


def history_with(
    known: ModelTagStatus, tagged: TaggedModel | None, time: str, by: str | None
) -> tuple[HistoryEntry, ...]:
    """The models that carried the tag, the latest first; one is added when the model or its content is another.

    `by` promoted the model; nobody did where only its content is another.

    `known` is the status so far, an empty one where it speaks of another tag. Where the history is limited to none, it
    still tells the latest.
    """
    history = tuple(known.history or ())
    if not history and known.model and known.hash:
        history = (HistoryEntry(model=known.model, hash=known.hash, tagged_at=time),)
    if tagged is None:
        return history
    if not history or history[0].model != tagged.name:
        return (HistoryEntry(model=tagged.name, hash=tagged.hash, tagged_at=time, by=by), *history)
    if history[0].hash != tagged.hash:
        return (HistoryEntry(model=tagged.name, hash=tagged.hash, tagged_at=time), *history)
    return history


def previous_model(history: Sequence[HistoryEntry], known: ModelTagStatus) -> str | None:
    """The last model in the history that is another than the latest: where a rollback goes."""
    for entry in history[1:]:
        if entry.model != history[0].model:
            return entry.model
    return known.previous_model


def tagged_as_wanted(findings: ModelTagFindings) -> Condition:
    """Whether the server answers the tag with the wanted model's hash."""
    kind = ConditionType.TAGGED
    if findings.problem is not None:
        unknown = findings.problem.reason in (
            Reason.MODEL_SERVER_UNREACHABLE,
            Reason.UNEXPECTED_ANSWER,
            Reason.NOT_CHECKED_YET,
        )
        return condition(kind, "Unknown" if unknown else "False", findings.problem.reason, findings.problem.message)
    return condition(kind, "True", Reason.TAGGED, f"tag {findings.tag} answers with model {findings.model}")


def served_by_followers(findings: ModelTagFindings) -> Condition:
    """Whether every environment that pulls the tag serves the model."""
    kind = ConditionType.SERVED
    if not findings.followers:
        return condition(kind, "True", Reason.NO_ENVIRONMENT, f"no environment pulls the tag {findings.tag}")
    for truth in ("False", "Unknown"):
        for follower in findings.followers:
            if served_truth(follower, findings.model) == truth:
                reason = Reason.ANOTHER_MODEL_SERVED if truth == "False" else Reason.NOT_CHECKED_YET
                return condition(
                    kind, truth, reason, f"environment {follower.key}: {_explained(follower, findings.model)}"
                )
    count = len(findings.followers)
    by = f"{count} environments" if count > 1 else f"environment {findings.followers[0].key}"
    return condition(kind, "True", Reason.SERVED, f"{findings.model} is served by {by}")


def served_truth(follower: Follower, model: str) -> str:
    """True, False or Unknown: whether the environment serves `model`, and not one that it wanted before."""
    if follower.wanted == model:
        return follower.served_truth
    return "False" if follower.served_truth == "True" else "Unknown"


def _explained(follower: Follower, model: str) -> str:
    if follower.wanted == model:
        return follower.served_message
    return f"wants {follower.wanted or 'no model'} still, {model} is on its way"


def ready(findings: ModelTagFindings, served: Condition) -> Condition:
    """Whether the tag is where it is wanted, and no environment is known to serve another model."""
    kind = ConditionType.READY
    if findings.problem is not None:
        return condition(kind, "False", findings.problem.reason, findings.problem.message)
    if served.status == "False":
        return condition(kind, "False", Reason(served.reason), served.message)
    if served.status == "Unknown":
        return condition(
            kind,
            "True",
            Reason.TAGGED,
            f"{findings.model} carries {findings.tag}; whether it is served is not known: {served.message}",
        )
    return condition(kind, "True", Reason.READY, f"{findings.model} carries {findings.tag}: {served.message}")
