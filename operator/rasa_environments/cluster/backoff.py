"""Exponential backoff between retries."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 64
"""Limit that keeps the wait within the range of a float; no `longest` is that many doublings of `first`."""


@dataclass(frozen=True)
class Backoff:
    """Waits in seconds that double with each consecutive failure, up to a maximum."""

    first: float
    longest: float

    def seconds(self, failures: int, jitter: float = 1.0) -> float:
        """Return how many seconds to wait after `failures` consecutive failures; 0 after none.

        `jitter` from 0 to 1 spreads simultaneous failures: it scales the wait from half of it to all of it.
        """
        if failures == 0:
            return 0.0
        return min(self.longest, self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)) * (0.5 + jitter / 2)
