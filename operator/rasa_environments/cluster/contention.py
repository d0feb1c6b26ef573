"""Backoff for objects that somebody else keeps changing or deleting."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.backoff import Backoff
from rasa_environments.cluster.resources import Resource

AT_ONCE: Final = 5
"""Consecutive corrections without backoff, for a person who tries something out."""
BACKOFF: Final = Backoff(first=2.0, longest=60.0)
FORGOTTEN_SECONDS: Final = 120.0
"""Seconds without a correction after which the count starts anew."""


@dataclass(frozen=True)
class _Corrections:
    digest: str
    count: int
    last: float


class Contention:
    """Counts the corrections of each object towards one desired state, so that competing writers cause no storm."""

    def __init__(self) -> None:
        self._corrections: dict[ObjectKey, dict[Resource, _Corrections]] = {}

    def seconds_left(self, resource: Resource, key: ObjectKey, digest: str) -> float:
        """Return how many seconds to leave the object alone; 0 if it may be corrected now."""
        found = self._found(resource, key)
        if found is None or found.digest != digest or found.count <= AT_ONCE:
            return 0.0
        return max(0.0, found.last + BACKOFF.seconds(found.count - AT_ONCE) - time.monotonic())

    def count(self, resource: Resource, key: ObjectKey) -> int:
        """Return the number of consecutive corrections of the object."""
        found = self._found(resource, key)
        return 0 if found is None else found.count

    def corrected(self, resource: Resource, key: ObjectKey, digest: str) -> None:
        """Count a correction of the object towards the desired state with that digest."""
        now, found = time.monotonic(), self._found(resource, key)
        in_a_row = found is not None and found.digest == digest and now - found.last < FORGOTTEN_SECONDS
        count = found.count + 1 if found is not None and in_a_row else 1
        self._corrections.setdefault(key, {})[resource] = _Corrections(digest, count, now)

    def forget(self, key: ObjectKey) -> None:
        """Discard the counts of the objects of that name."""
        self._corrections.pop(key, None)

    def _found(self, resource: Resource, key: ObjectKey) -> _Corrections | None:
        return self._corrections.get(key, {}).get(resource)
