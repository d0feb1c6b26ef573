"""What a check has come to: its conversations with every environment, and then its Jobs, within its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.verification import Stage, TestCase
from rasa_environments.domain.expectations import ConversationResult
from rasa_environments.domain.verification import case_results, described_failure


@dataclass(frozen=True)
class Verdict:
    """What a check has come to so far."""

    passed: bool | None
    """None while it is not known."""
    cases: tuple[TestCase, ...] = ()
    """The results so far, failed ones first."""
    message: str = ""
    """What failed, or what the Jobs wait for."""
    reason: Reason = Reason.VERIFYING
    """Why the model is rejected, if it failed."""
    requeue_after: float | None = None
    """Seconds until there is more to do."""


@dataclass(frozen=True)
class HeldConversations:
    """The conversations that were held so far with the environments that count now."""

    environments: tuple[ObjectKey, ...]
    total: int
    """Number of conversations with each environment."""
    results: Mapping[ObjectKey, Sequence[ConversationResult]] = field(default_factory=dict)
    faults: Mapping[ObjectKey, str] = field(default_factory=dict)
    """Why the last conversation with an environment was not held to its end."""

    @property
    def cases(self) -> tuple[TestCase, ...]:
        """The results as the status shows them, failed ones first, up to its limit."""
        return case_results([(key, each) for key in self.environments for each in self.results.get(key, ())])

    @property
    def has_failed(self) -> bool:
        """Whether an expectation was not met."""
        return any(each.failure is not None for key in self.environments for each in self.results.get(key, ()))

    @property
    def late(self) -> ObjectKey | None:
        """The first environment with which not all conversations were held; None without one."""
        return next((each for each in self.environments if self.count(each) < self.total), None)

    @property
    def fault(self) -> str | None:
        """Why a conversation was not held to its end, with its environment."""
        found = next((each for each in self.environments if each in self.faults), None)
        return None if found is None else f"environment {found}: {self.faults[found]}"

    def count(self, environment: ObjectKey) -> int:
        """Return how many conversations were held with an environment."""
        return len(self.results.get(environment, ()))

    def are_complete_with(self, environments: Iterable[ObjectKey]) -> bool:
        """Return whether all conversations were held with these environments."""
        return all(self.count(each) == self.total for each in environments)


def verdict_of_conversations(
    held: HeldConversations, *, has_failed: bool, unfinished: str, left: float, pause: float
) -> Verdict | None:
    """Return what the conversations have come to, with so many seconds left; None once all have passed.

    `has_failed` tells whether a failure ends them now, `unfinished` why they had not ended when the time was over. They
    go on after a `pause` in seconds.
    """
    cases = held.cases
    if has_failed:
        return Verdict(False, cases, described_failure(cases[0]), Reason.VERIFICATION_FAILED)
    if held.late is None:
        return None
    if left <= 0:
        return Verdict(False, cases, unfinished, Reason.VERIFICATION_TIMED_OUT)
    return Verdict(None, cases, requeue_after=min(pause, left))


def within(timeout_seconds: int, stage: Stage) -> str:
    """Return the time that a check has, in words, with its field."""
    return f"within {timeout_seconds} s (spec.verification.{stage.lower()}.timeoutSeconds)"
