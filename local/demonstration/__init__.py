"""A demonstration on a cluster of its own: three environments, a promotion, and what the bot says."""

from local.demonstration.play import Options, demonstrate
from local.demonstration.steps import StepFailedError

__all__ = ["Options", "StepFailedError", "demonstrate"]
