"""Objects that somebody else changes or deletes again and again: they are corrected with backoff."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.resources import Resource

AT_ONCE: Final = 5
"""Corrections in a row that are made at once: a person who tries something out."""
BACKOFF: Final = Backoff(first=2.0, longest=60.0)
FORGOTTEN_SECONDS: Final = 120.0
"""After so long without a correction the next one counts as the first."""


@dataclass(frozen=True)
class _Corrections:
    digest: str
    count: int
    last: float


class Contention:
    """Counts the corrections of each object towards one desired state. Two writers who disagree cause no storm."""

    def __init__(self) -> None:
        self._corrections: dict[ObjectKey, dict[Resource, _Corrections]] = {}

    def seconds_left(self, resource: Resource, key: ObjectKey, digest: str) -> float:
        """How long to leave the object alone; 0 where it may be corrected now."""
        found = self._found(resource, key)
        if found is None or found.digest != digest or found.count <= AT_ONCE:
            return 0.0
        return max(0.0, found.last + BACKOFF.seconds(found.count - AT_ONCE) - time.monotonic())

    def count(self, resource: Resource, key: ObjectKey) -> int:
        """How often the object was corrected in a row."""
        found = self._found(resource, key)
        return 0 if found is None else found.count

    def corrected(self, resource: Resource, key: ObjectKey, digest: str) -> None:
        """The object was written, so that it is as that digest says."""
        now, found = time.monotonic(), self._found(resource, key)
        in_a_row = found is not None and found.digest == digest and now - found.last < FORGOTTEN_SECONDS
        count = found.count + 1 if found is not None and in_a_row else 1
        self._corrections.setdefault(key, {})[resource] = _Corrections(digest, count, now)

    def forget(self, key: ObjectKey) -> None:
        """The objects of that name are no longer needed."""
        self._corrections.pop(key, None)

    def _found(self, resource: Resource, key: ObjectKey) -> _Corrections | None:
        return self._corrections.get(key, {}).get(resource)
