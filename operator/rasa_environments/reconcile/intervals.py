"""How often external systems are checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Intervals:
    """How often to check external systems, in seconds."""

    model_server: float = 30.0
    """Between two listings of a model server."""
    served: float = 60.0
    """Between two checks of a pod that serves the desired model."""
    first_served: float = 1.0
    """Until the second check of a pod that does not serve the desired model yet; grows from there."""
