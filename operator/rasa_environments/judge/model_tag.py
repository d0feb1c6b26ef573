"""The verdicts on a ModelTag."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason, known_reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import MAXIMUM_FOLLOWERS, ModelTag, ModelTagStatus, ServedModel
from rasa_environments.api.model_tag import Follower as FollowerStatus
from rasa_environments.domain.desired_model import DesiredModel
from rasa_environments.domain.facts import Follower, Problem, TaggedModel
from rasa_environments.domain.live_results import live_results
from rasa_environments.domain.verification import NO_PROGRESS, Progress
from rasa_environments.judge.conditions import condition_of
from rasa_environments.judge.promoted import held_pin, misconfigured, promoted
from rasa_environments.judge.tag_history import (
    history_with,
    previous_model,
    promoter_of,
    with_actions,
    with_live_result,
)
from rasa_environments.judge.verdicts import (
    Check,
    Verdict,
    condition_from,
    only_if,
    progress_of,
    verdict_of,
    verdicts_on,
)

UNANSWERED = frozenset({Reason.MODEL_SERVER_UNREACHABLE, Reason.UNEXPECTED_ANSWER, Reason.PENDING})
"""Reasons that leave open which model has the tag."""


@dataclass(frozen=True)
class ModelTagFacts:
    """The facts that a reconciliation found about a ModelTag."""

    tag: str
    desired: ModelReference | None = None
    """The model that the tag should carry, its hash empty if unknown; None leaves the tag where it is."""
    decision: DesiredModel = field(default_factory=lambda: DesiredModel(None))
    """Where that comes from, and which model is to be next."""
    problem: Problem | None = None
    answers: bool = True
    """Whether the model server could be asked; otherwise nothing is known about the tag."""
    tagged: TaggedModel | None = None
    """The model that has the tag, as confirmed by the server."""
    last: ModelReference | None = None
    """The model that had the tag before, by the status."""
    followers: tuple[Follower, ...] = ()
    progress: Progress = NO_PROGRESS
    """The progress of the verification of models."""

    @property
    def expected(self) -> ModelReference | None:
        """The model that the environments should serve; its hash is empty if unknown."""
        if self.tagged is not None:
            return ModelReference(name=self.tagged.name, hash=self.tagged.hash)
        if self.desired is None or (self.last is not None and self.last.name == self.desired.name):
            return self.last
        return ModelReference(name=self.desired.name, hash="")


def judge(facts: ModelTagFacts, before: ModelTag, time: str) -> tuple[ModelTagStatus, tuple[Condition, ...]]:
    """Return the status without its conditions, and the conditions without their times; `time` dates a new model."""
    verdicts, tagged, served = tuple(verdicts_on(facts, VERDICTS)), tagged_as_wanted(facts), served_by_followers(facts)
    conditions = (
        condition_from(ConditionType.READY, verdicts[0] if verdicts else ready(tagged, served)),
        condition_from(ConditionType.TAGGED, tagged),
        condition_from(ConditionType.SERVED, served),
        *promoted(facts.decision, before),
        *verified(facts, before),
        *progress_of(verdicts),
    )
    return status_of(facts, before, time), conditions


def status_of(facts: ModelTagFacts, before: ModelTag, time: str) -> ModelTagStatus:
    """Return the status without its conditions."""
    history = history_with(before.status, facts.tagged, time, promoter_of(facts.decision, before))
    # While the model of the spec waits, the image that goes with it is not that of the tagged one.
    if facts.tagged is not None and (before.spec.model or facts.decision.name) in (None, facts.tagged.name):
        history = with_actions(history, before.action_server_image)
    results = live_results(before.status.model_copy(update={"verifications": list(facts.progress.records)}))
    if history:
        history = with_live_result(history, results)
    expected = facts.expected
    return ModelTagStatus(
        tag=facts.tag,
        desired_model=facts.desired,
        candidate_model=facts.decision.candidate,
        served_model=served_model(facts, before.status.served_model, time),
        rejected=list(facts.progress.rejected) or None,
        verifications=list(facts.progress.records) or None,
        last_handled_retry_at=facts.progress.handled_retry,
        tagged_model=ModelReference(name=history[0].model, hash=history[0].hash) if history else None,
        previous_model=previous_model(history, before.status, results),
        history=list(history[: before.spec.history_limit]) or None,
        environments=[
            FollowerStatus(
                namespace=follower.key.namespace,
                name=follower.key.name,
                served=served_status(follower, expected),
                ready=follower.ready,
            )
            for follower in facts.followers[:MAXIMUM_FOLLOWERS]
        ]
        or None,
    )


def served_model(facts: ModelTagFacts, before: ServedModel | None, time: str) -> ServedModel | None:
    """Return the model that all followers are seen to serve, and since when: an interruption of one starts anew.

    An interruption that ended before it was seen here shows in the transition of the environment's condition.
    """
    model = facts.expected
    if model is None or not model.hash or served_by_followers(facts).reason is not Reason.SERVED:
        return None
    same = before is not None and (before.name, before.hash) == (model.name, model.hash)
    since = [before.served_time] if before is not None and same else [time]
    # Times of Kubernetes (RFC 3339, UTC, whole seconds) compare as text.
    latest = max([*since, *(each.served_since for each in facts.followers)])
    return ServedModel(name=model.name, hash=model.hash, served_time=latest)


def verified(facts: ModelTagFacts, before: ModelTag) -> tuple[Condition, ...]:
    """Return the condition Verified, if models are verified: whether the desired one needs no verification any more.

    The one that has the tag counts as well, until it has passed with the environments that serve it.
    """
    if before.spec.verification is None:
        return ()
    problem = facts.progress.problem or facts.progress.unverified
    if problem is None:
        message = "the model with the tag has passed its verification, or had the tag before"
        return (condition_from(ConditionType.VERIFIED, Verdict("True", Reason.VERIFIED, message)),)
    rejected = problem.reason is Reason.MODEL_REJECTED
    reason = known_reason(facts.progress.rejected[0].reason) if rejected else problem.reason
    return (
        condition_from(ConditionType.VERIFIED, Verdict("False" if rejected else "Unknown", reason, problem.message)),
    )


def follower(environment: DeploymentEnvironment) -> Follower:
    """Return an environment from the perspective of its ModelTag."""
    desired, conditions = environment.status.desired_model, environment.status.conditions
    served, ready = condition_of(conditions, ConditionType.MODEL_SERVED), condition_of(conditions, ConditionType.READY)
    return Follower(
        key=environment.metadata.key,
        desired=TaggedModel(desired.name, desired.hash) if desired is not None else None,
        served=served.status if served else "Unknown",
        served_reason=known_reason(served.reason) if served else Reason.PENDING,
        served_message=served.message if served else "not checked yet",
        ready=ready.status if ready else "Unknown",
        served_since=served.last_transition_time if served else "",
    )


def not_tagged(facts: ModelTagFacts) -> Verdict | None:
    """Report why the tag is not on its model."""
    return verdict_of(facts.problem) if _is_answered(facts) else None


def not_served(facts: ModelTagFacts) -> Verdict | None:
    """Report an environment that serves another model than the tagged one, or that there is none."""
    return only_if("False", served_by_followers(facts))


def tagged_model_unknown(facts: ModelTagFacts) -> Verdict | None:
    """Report why the model server does not say which model has the tag."""
    return None if _is_answered(facts) else verdict_of(facts.problem, "Unknown")


def rejected_with_tag(facts: ModelTagFacts) -> Verdict | None:
    """Report a model that has failed its verification and has the tag."""
    problem = facts.progress.unverified
    return verdict_of(problem) if problem is not None and problem.reason is Reason.MODEL_REJECTED else None


def not_verified_yet(facts: ModelTagFacts) -> Verdict | None:
    """Report a model that has the tag and is being verified."""
    problem = facts.progress.unverified
    return None if problem is None or problem.reason is Reason.MODEL_REJECTED else verdict_of(problem, "Unknown")


def served_model_unknown(facts: ModelTagFacts) -> Verdict | None:
    """Report an environment of which it is unknown what it serves."""
    return only_if("Unknown", served_by_followers(facts))


def source_misconfigured(facts: ModelTagFacts) -> Verdict | None:
    """Report that no model can come from where the spec says."""
    return misconfigured(facts.decision.waiting)


def pin_held(facts: ModelTagFacts) -> Verdict | None:
    """Report that the model of the spec waits."""
    return held_pin(facts.decision)


VERDICTS: Final[tuple[Check[ModelTagFacts], ...]] = (
    not_tagged,
    source_misconfigured,
    rejected_with_tag,
    not_served,
    pin_held,
    tagged_model_unknown,
    served_model_unknown,
    not_verified_yet,
)
"""Why a ModelTag is not ready; the first that applies decides Ready.

What is known to be wrong precedes what is unknown. Environments pull by themselves, so Reconciling and Stalled are
about the tag alone.
"""

UNTAGGED: Final[tuple[Check[ModelTagFacts], ...]] = (not_tagged, tagged_model_unknown)
"""The ones among them that decide Tagged."""


def _is_answered(facts: ModelTagFacts) -> bool:
    """Return whether the model server said which model has the tag."""
    return facts.answers and (facts.problem is None or facts.problem.reason not in UNANSWERED)


def ready(tagged: Verdict, served: Verdict) -> Verdict:
    """Return the verdict on a tag that is on its model, which every environment that pulls it serves."""
    reason = Reason.SERVED_UNCHECKED if served.reason is Reason.SERVED_UNCHECKED else Reason.READY
    return Verdict("True", reason, f"{tagged.message}: {served.message}")


def tagged_as_wanted(facts: ModelTagFacts) -> Verdict:
    """Return whether the server answers the tag with the desired model's hash."""
    verdict = next(verdicts_on(facts, UNTAGGED), None)
    if verdict is not None:
        return verdict
    name = facts.tagged.name if facts.tagged else "no model"
    return Verdict("True", Reason.TAGGED, f"tag {facts.tag} answers with model {name}")


def served_by_followers(facts: ModelTagFacts) -> Verdict:
    """Return whether every environment that pulls the tag serves the model."""
    expected = facts.expected
    if not facts.followers:
        message = f"no environment pulls the tag {facts.tag}, so no environment serves its model"
        return Verdict("False", Reason.NO_ENVIRONMENT, message)
    if expected is None:
        return Verdict("Unknown", Reason.PENDING, f"no model is known to carry the tag {facts.tag}")
    for status in ("False", "Unknown"):
        for follower in facts.followers:
            if served_status(follower, expected) == status:
                reason = Reason.ANOTHER_MODEL_SERVED if status == "False" else Reason.PENDING
                message = f"environment {follower.key}: {_explained(follower, expected)}"
                return Verdict(status, reason, message)
    count = len(facts.followers)
    by = f"{count} environments" if count > 1 else f"environment {facts.followers[0].key}"
    if any(follower.served_reason is Reason.SERVED_UNCHECKED for follower in facts.followers):
        message = f"{expected.name} is wanted by {by}; whether it is served is not checked (--accept-unchecked)"
        return Verdict("True", Reason.SERVED_UNCHECKED, message)
    return Verdict("True", Reason.SERVED, f"{expected.name} is served by {by}")


def served_status(follower: Follower, expected: ModelReference | None) -> ConditionStatus:
    """Return whether the environment serves the model, rather than one that it desired before."""
    if expected is None:
        return "Unknown"
    if _wants(follower, expected):
        return follower.served
    return "False" if follower.served == "True" else "Unknown"


def _wants(follower: Follower, expected: ModelReference) -> bool:
    desired = follower.desired
    return desired is not None and desired.name == expected.name and expected.hash in ("", desired.hash)


def _explained(follower: Follower, expected: ModelReference) -> str:
    if _wants(follower, expected):
        return follower.served_message
    return f"still wants {follower.desired.name if follower.desired else 'no model'}, {expected.name} is on its way"
