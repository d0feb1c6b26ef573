"""Whether a tag carries the newest model that it is to have, and what that one waits for."""

from __future__ import annotations

from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.desired_model import DesiredModel, Origin
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.waiting import Waiting
from rasa_environments.judge.conditions import condition
from rasa_environments.judge.verdicts import Verdict, verdict_of


def promoted(decision: DesiredModel, tag: ModelTag) -> tuple[Condition, ...]:
    """Return the condition Promoted; none if a person decides and nothing waits."""
    waiting, source = decision.waiting, _source(tag)
    if waiting is not None:
        status: ConditionStatus = "False" if waiting.is_misconfigured else "Unknown"
        return (condition(ConditionType.PROMOTED, status, waiting.reason, waiting.message),)
    if source is None:
        return ()
    if decision.origin is Origin.SPEC:
        message = f"spec.model pins the tag to {decision.name}: it gets {source} again once that is removed"
        return (condition(ConditionType.PROMOTED, "True", Reason.PINNED, message),)
    message = f"tag {tag.tag} has {source}"
    return (condition(ConditionType.PROMOTED, "True", Reason.PROMOTED, message),)


def _source(tag: ModelTag) -> str | None:
    """Return which model the tag gets on its own, in words; None if a person decides."""
    if tag.spec.promote_from is not None:
        return f"the model of tag {tag.spec.promote_from.tag}"
    return None if tag.spec.follow is None else f"the newest model that matches {tag.spec.follow.name_pattern}"


def held_pin(decision: DesiredModel) -> Verdict | None:
    """Report that the model of the spec waits."""
    waiting, candidate = decision.waiting, decision.candidate
    if decision.origin is not Origin.SPEC or waiting is None or candidate is None:
        return None
    message = f"model {candidate.name} waits: {waiting.message}"
    return Verdict("Unknown", waiting.reason, message, ConditionType.RECONCILING)


def misconfigured(waiting: Waiting | None) -> Verdict | None:
    """Report that no model can come from where the spec says."""
    if waiting is None or not waiting.is_misconfigured:
        return None
    return verdict_of(Problem(waiting.reason, waiting.message))
