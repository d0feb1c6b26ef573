"""How many candidates run at the same time, and which ModelTag may have the next."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.candidates import share, tags_with_a_candidate
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister


class CandidateLimits:
    """Counts candidates: at most `limit` run at the same time, and of those a namespace has its share."""

    def __init__(self, lister: Lister, limit: int) -> None:
        self._lister = lister
        self._limit = limit
        self._begun: set[ObjectKey] = set()
        """ModelTags whose verification began, also those whose status does not say so yet."""

    def release(self, tag: ObjectKey) -> None:
        """Count the candidate of a ModelTag no longer."""
        self._begun.discard(tag)

    def refusal(self, tag: ModelTag) -> Problem | None:
        """Return why no candidate of the ModelTag may start now, or None: then it is counted from now on."""
        own, others = self._used(tag)
        allowed = share(self._limit, others)
        if own < allowed:
            self._begun.add(tag.metadata.key)
            return None
        return Problem(
            Reason.NO_CANDIDATE,
            f"namespace {tag.metadata.namespace} has {own} of the {allowed} candidates that it may have now "
            f"({others} of {self._limit} run for others): the verification starts when some have ended "
            "(--max-candidates of `rasa-environments run`)",
            stalled=False,
        )

    def _used(self, tag: ModelTag) -> tuple[int, int]:
        """Return how many candidates run for other tags of the namespace, and how many for other namespaces."""
        used = {*self._begun, *tags_with_a_candidate(self._lister)} - {tag.metadata.key}
        own = sum(each.namespace == tag.metadata.namespace for each in used)
        return own, len(used) - own
