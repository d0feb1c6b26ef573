"""What became of a child."""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """What `Children.apply` did."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    CORRECTED = "corrected"
