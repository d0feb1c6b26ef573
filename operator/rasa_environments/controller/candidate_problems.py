"""Why candidates could not be created, by environment."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.facts import Problem


class CandidateProblems:
    """What the environments' reconciliations found, for the ModelTags that wait for the candidates."""

    def __init__(self) -> None:
        self._problems: dict[ObjectKey, Problem] = {}

    def set(self, environment: ObjectKey, problem: Problem | None) -> None:
        """Record what is in the way of the environment's candidate, or that nothing is (None)."""
        if problem is None:
            self._problems.pop(environment, None)
        else:
            self._problems[environment] = problem

    def get(self, environment: ObjectKey) -> Problem | None:
        """Return what was in the way when the candidate was last applied."""
        return self._problems.get(environment)
