"""What became of an object's conditions with a write of its status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.judge.conditions import condition_of

BAD_WHEN_TRUE = frozenset({ConditionType.RECONCILING, ConditionType.STALLED})
"""Conditions of kstatus that speak of trouble; all others are good when True."""
NO_TROUBLE = frozenset(
    {
        Reason.WAITING_FOR_PODS,
        Reason.WAITING_FOR_DELETION,
        Reason.ANOTHER_MODEL_SERVED,
        Reason.NO_MODEL_SERVED,
        Reason.NO_PODS,
        Reason.NO_ENVIRONMENT,
        Reason.PENDING,
        Reason.REGISTRATION_PENDING,
        Reason.CONFIGURED_ELSEWHERE,
        Reason.SUSPENDED,
    }
)
"""Reasons that belong to a rollout, a promotion, a pause or a choice: no trouble unless they last, as alerts tell."""


@dataclass(frozen=True)
class Transition:
    """A condition whose status or reason has changed, or that says so of another generation in other words."""

    before: Condition | None
    after: Condition

    @property
    def is_good(self) -> bool:
        """Whether all is well now, as far as this condition says."""
        return is_good(self.after)

    @property
    def is_recovery(self) -> bool:
        """Whether all is well now, and was not before."""
        return self.is_good and self.before is not None and not is_good(self.before)

    @property
    def is_trouble(self) -> bool:
        """Whether something is wrong now that does not belong to a change under way."""
        return not self.is_good and self.after.reason not in NO_TROUBLE


def is_good(condition: Condition) -> bool:
    """Whether the condition says that all is well. Unknown is not."""
    return condition.status == ("False" if condition.type in BAD_WHEN_TRUE else "True")


def transitions(before: Iterable[Condition] | None, after: Sequence[Condition]) -> tuple[Transition, ...]:
    """The transitions between two states of an object's conditions, in the order of those after it."""
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
    """What a log line says of transitions that have one cause."""

    transitions: tuple[Transition, ...]

    @property
    def cause(self) -> Condition:
        """The condition whose reason and message stand for all."""
        return self.transitions[0].after

    @property
    def is_trouble(self) -> bool:
        """Whether the line is a warning."""
        return any(transition.is_trouble for transition in self.transitions)

    @property
    def conditions(self) -> str:
        """The conditions: Ready=False,Tagged=False."""
        return ",".join(f"{each.after.type}={each.after.status}" for each in self.transitions)


def reports(changes: Iterable[Transition]) -> tuple[Report, ...]:
    """What is worth a line in the log, one line for each reason: trouble, what is on its way, and what has recovered.

    Reconciling only repeats what the others say.
    """
    groups: dict[str, list[Transition]] = {}
    for change in changes:
        if change.after.type == ConditionType.RECONCILING or not _is_worth_a_line(change):
            continue
        groups.setdefault("" if change.is_good else change.after.reason, []).append(change)
    return tuple(Report(tuple(group)) for group in groups.values())


def _is_worth_a_line(change: Transition) -> bool:
    """Of what is well from the beginning Ready tells, and of what waited for a person and does so no more."""
    if not change.is_good:
        return True
    if change.after.type == ConditionType.READY:
        return change.before is None or change.is_recovery
    return change.is_recovery and change.after.type != ConditionType.STALLED
