"""Verdicts: what conditions report, and why an object is not ready, found by an ordered list of small checks.

Each kind has such a list, VERDICTS. The first verdict that applies decides Ready; the first that somebody works on, or
has to, decides Reconciling and Stalled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from rasa_environments.api.base import Rejection
from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.domain.facts import Problem
from rasa_environments.judge.conditions import condition

Progress: TypeAlias = Literal[ConditionType.RECONCILING, ConditionType.STALLED]


@dataclass(frozen=True)
class Verdict:
    """What a condition reports."""

    status: ConditionStatus
    reason: Reason
    message: str
    progress: Progress | None = None
    """The condition that is True as long as it applies: Reconciling if the operator goes on by itself, Stalled if
    somebody has to act; None if neither."""


FactsT = TypeVar("FactsT")
Check: TypeAlias = Callable[[FactsT], Verdict | None]


def verdicts_on(facts: FactsT, checks: Sequence[Check[FactsT]]) -> Iterator[Verdict]:
    """Return the verdicts that apply, in the order of the checks."""
    return (verdict for check in checks if (verdict := check(facts)) is not None)


def verdict_of(problem: Problem | None, status: ConditionStatus = "False") -> Verdict | None:
    """Return the verdict that a problem amounts to; None without one."""
    if problem is None:
        return None
    progress: Progress = ConditionType.STALLED if problem.stalled else ConditionType.RECONCILING
    return Verdict(status, problem.reason, problem.message, progress)


def only_if(status: ConditionStatus, verdict: Verdict) -> Verdict | None:
    """Return the verdict if it has that status, else None."""
    return verdict if verdict.status == status else None


def condition_from(kind: ConditionType, verdict: Verdict) -> Condition:
    """Return the condition of that type that reports the verdict."""
    return condition(kind, verdict.status, verdict.reason, verdict.message)


def progress_of(verdicts: Sequence[Verdict]) -> tuple[Condition, Condition]:
    """Return the conditions Reconciling (the operator is still working on it) and Stalled (somebody has to act).

    kstatus reads them; at most one is True.
    """
    decisive = next((verdict for verdict in verdicts if verdict.progress is not None), None)
    return (
        _progress(ConditionType.RECONCILING, decisive, "nothing is in progress"),
        _progress(ConditionType.STALLED, decisive, "no problem needs attention"),
    )


def _progress(kind: Progress, decisive: Verdict | None, otherwise: str) -> Condition:
    if decisive is None or decisive.progress is not kind:
        return condition(kind, "False", Reason.SETTLED, otherwise)
    return condition(kind, "True", decisive.reason, decisive.message)


def unready(problem: Problem) -> tuple[Condition, ...]:
    """Return the conditions of an object of which only the problem is known."""
    ready = condition(ConditionType.READY, "False", problem.reason, problem.message)
    return ready, *progress_of(tuple(filter(None, [verdict_of(problem)])))


def rejected(rejection: Rejection) -> tuple[Condition, ...]:
    """Return the conditions of an object whose latest version cannot be used."""
    return unready(Problem(Reason.INVALID_SPEC, rejection.message))
