"""Identification of models by their training time, which is all that Rasa 1.x and 2.x report."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from rasa_environments.domain.facts import TaggedModel

TRAINED_TOGETHER_SECONDS: Final = 0.5
"""Tolerance in seconds: model servers round training times, and a project trains no two models within a second."""


class ByTrainingTime:
    """Models by training time, sorted once for all servers of an environment."""

    def __init__(self, models: Iterable[TaggedModel]) -> None:
        self._models = models

    def nearest(self, when: float) -> str | None:
        """Return the model trained at that time, allowing for rounding by the model server, or None."""
        times = self._sorted
        at = bisect_left(times, (when, ""))
        near = [(abs(time - when), name) for time, name in times[max(0, at - 1) : at + 1]]
        distance, name = min(near, default=(TRAINED_TOGETHER_SECONDS, ""))
        return name if distance < TRAINED_TOGETHER_SECONDS else None

    @cached_property
    def _sorted(self) -> list[tuple[float, str]]:
        return sorted((model.trained_at, model.name) for model in self._models if model.trained_at is not None)
