"""When the Rasa servers of each environment last reported what they serve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rasa_environments.api.base import ObjectKey


class AnswerTimes:
    """Times by environment; `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered: dict[ObjectKey, float] = {}

    def answered(self, environment: ObjectKey) -> None:
        """Record that all Rasa servers of the environment have just answered."""
        self._answered[environment] = self._clock()

    def has_answered(self, environment: ObjectKey) -> bool:
        """Return whether all Rasa servers of the environment have answered in this process."""
        return environment in self._answered

    def forget(self, environment: ObjectKey) -> None:
        """Discard the time of an environment that is gone."""
        self._answered.pop(environment, None)

    def ages(self) -> Mapping[ObjectKey, float]:
        """Return the seconds since all Rasa servers of an environment answered, if they ever did in this process."""
        now = self._clock()
        return {environment: now - since for environment, since in self._answered.items()}
