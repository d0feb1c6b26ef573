"""What is made of measured numbers."""

from collections.abc import Sequence
from math import ceil


def percentile(figures: Sequence[float], percent: float) -> float:
    """Return the smallest figure that so many percent of them do not exceed (nearest rank). Raises ValueError."""
    if not figures or not 0 < percent <= 100:
        raise ValueError("a percentile takes figures, and a percentage above 0 and up to 100")
    return sorted(figures)[ceil(len(figures) * percent / 100) - 1]


def spread(figures: Sequence[float]) -> float:
    """How far the largest figure is above the smallest: 0.2 for 20 percent. Raises ValueError without figures."""
    if not figures or min(figures) <= 0:
        raise ValueError("a spread takes figures above 0")
    return max(figures) / min(figures) - 1
