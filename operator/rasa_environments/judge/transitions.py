"""Changes of an object's conditions by a status write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.judge.conditions import condition_of

BAD_WHEN_TRUE = frozenset({ConditionType.RECONCILING, ConditionType.STALLED})
"""Conditions of kstatus that are bad when True; all others are good when True."""
NO_TROUBLE = frozenset(
    {
        Reason.WAITING_FOR_PODS,
        Reason.WAITING_FOR_DELETION,
        Reason.ANOTHER_MODEL_SERVED,
        Reason.NO_MODEL_SERVED,
        Reason.NO_PODS,
        Reason.NO_ENVIRONMENT,
        Reason.PENDING,
        Reason.VERIFYING,
        Reason.REGISTRATION_PENDING,
        Reason.CONFIGURED_ELSEWHERE,
        Reason.SUSPENDED,
        Reason.SOAKING,
        Reason.APPROVAL_PENDING,
        Reason.OUTSIDE_WINDOW,
        Reason.FROZEN,
    }
)
"""Reasons that belong to a rollout, a promotion, a suspension or a choice: trouble only if they last, which alerts
detect."""


@dataclass(frozen=True)
class Transition:
    """A condition whose status or reason changed, or whose message changed for another generation."""

    before: Condition | None
    after: Condition

    @property
    def is_good(self) -> bool:
        """Whether the condition is good now."""
        return is_good(self.after)

    @property
    def is_recovery(self) -> bool:
        """Whether the condition is good now, and was not before."""
        return self.is_good and self.before is not None and not is_good(self.before)

    @property
    def is_trouble(self) -> bool:
        """Whether something is wrong that is not part of an ongoing change."""
        return not self.is_good and self.after.reason not in NO_TROUBLE


def is_good(condition: Condition) -> bool:
    """Return whether the condition is good; Unknown is not."""
    return condition.status == ("False" if condition.type in BAD_WHEN_TRUE else "True")


def transitions(before: Iterable[Condition] | None, after: Sequence[Condition]) -> tuple[Transition, ...]:
    """Return the transitions between two states of an object's conditions, in the order of `after`."""
    known = tuple(before or ())
    found = (Transition(condition_of(known, entry.type), entry) for entry in after)
    return tuple(transition for transition in found if _is_one(transition))


def _is_one(transition: Transition) -> bool:
    before, after = transition.before, transition.after
    if before is None or (before.status, before.reason) != (after.status, after.reason):
        return True
    is_of_another_spec = before.observed_generation != after.observed_generation
    return is_of_another_spec and not is_good(after) and before.message != after.message


@dataclass(frozen=True)
class Report:
    """The content of a log line about transitions with the same cause."""

    transitions: tuple[Transition, ...]

    @property
    def cause(self) -> Condition:
        """The condition whose reason and message represent all."""
        return self.transitions[0].after

    @property
    def is_trouble(self) -> bool:
        """Whether to log a warning."""
        return any(transition.is_trouble for transition in self.transitions)

    @property
    def conditions(self) -> str:
        """The conditions: Ready=False,Tagged=False."""
        return ",".join(f"{each.after.type}={each.after.status}" for each in self.transitions)


def reports(changes: Iterable[Transition]) -> tuple[Report, ...]:
    """Return what to log, one line for each reason: trouble, progress and recoveries.

    Reconciling is left out, since it only repeats the others.
    """
    groups: dict[str, list[Transition]] = {}
    for change in changes:
        if change.after.type == ConditionType.RECONCILING or not _is_worth_a_line(change):
            continue
        groups.setdefault("" if change.is_good else change.after.reason, []).append(change)
    return tuple(Report(tuple(group)) for group in groups.values())


def _is_worth_a_line(change: Transition) -> bool:
    """Return whether to log a transition.

    Ready stands for conditions that are good from the start, and for a Stalled one that recovers.
    """
    if not change.is_good:
        return True
    if change.after.type == ConditionType.READY:
        return change.before is None or change.is_recovery
    return change.is_recovery and change.after.type != ConditionType.STALLED
