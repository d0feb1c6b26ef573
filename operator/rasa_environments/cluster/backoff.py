"""Exponential backoff: how long to wait before something that failed is tried again."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 64
"""More would leave the range of a float some day; no wait is that much longer than the first."""


@dataclass(frozen=True)
class Backoff:
    """Waits that double with each failure in a row, up to a longest one; both in seconds."""

    first: float
    longest: float

    def seconds(self, failures: int, jitter: float = 1.0) -> float:
        """How long to wait after `failures` failures in a row, 0 after none.

        `jitter` from 0 to 1 spreads those that fail together: it scales the wait from half to the whole.
        """
        if failures == 0:
            return 0.0
        return min(self.longest, self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)) * (0.5 + jitter / 2)
