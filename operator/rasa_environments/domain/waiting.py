"""What a model waits for before it gets a tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rasa_environments.api.conditions import Reason

MISCONFIGURED = frozenset({Reason.SOURCE_NOT_FOUND, Reason.PROMOTION_CYCLE, Reason.UPLOAD_TIME_UNKNOWN})
"""Reasons that do not pass: somebody has to change a spec."""


@dataclass(frozen=True)
class Waiting:
    """Why a model does not get the tag yet."""

    reason: Reason
    message: str
    until: datetime | None = None
    """When to look again; None if something has to happen first, which is announced by an event."""

    @property
    def is_misconfigured(self) -> bool:
        """Whether waiting does not help."""
        return self.reason in MISCONFIGURED


def combined(gates: Sequence[Waiting]) -> Waiting | None:
    """Return what several gates wait for: the reason of the first, all messages, and the earliest time."""
    if not gates:
        return None
    times = [gate.until for gate in gates if gate.until is not None]
    return Waiting(gates[0].reason, "; ".join(gate.message for gate in gates), min(times, default=None))


def stated(time: datetime) -> str:
    """Return the time in Kubernetes' format."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
