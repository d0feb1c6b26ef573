"""Who writes the status of the own kinds: a write under our name that is not ours is that of another operator.

The API server notes in `metadata.managedFields` when a field manager last changed a subresource, to the second:
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import Resource

_NOT_DONE: Final = frozenset({400, 401, 403, 404, 409, 422, 429})
"""Answers after which a write certainly has not taken place."""

DOUBT_SECONDS: Final = 65.0
"""After a write without an answer: the API server ends a request after 60 s (--request-timeout)."""

Place: TypeAlias = tuple[str, ObjectKey]


class StatusWrites:
    """When the status of each object was last written under the name `manager`, as far as this process knows.

    It takes no write of its own for another's, also where the answer was lost. It misses a write of another in the same
    second as one of its own, and for a while after one whose answer was lost.
    """

    def __init__(self, manager: str, now: Callable[[], float] = time.monotonic) -> None:
        self._manager = manager
        self._now = now
        self._times: dict[Place, str] = {}
        self._in_doubt: dict[Place, float] = {}
        """Until when a write of our own may take place, or has, of which nothing is known."""

    @contextlib.contextmanager
    def sending(self, resource: Resource, key: ObjectKey) -> Iterator[None]:
        """While the block writes a status; its answer goes to `answered`."""
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, ApiError) and error.status in _NOT_DONE):
                self._in_doubt[resource.plural, key] = self._now() + DOUBT_SECONDS
            raise

    def answered(self, resource: Resource, key: ObjectKey, obj: JsonObject) -> None:
        """The object as it is after a write of its status."""
        self._times[resource.plural, key] = _last_written(obj, self._manager)

    def has_another_written(self, resource: Resource, key: ObjectKey, obj: JsonObject) -> bool:
        """Whether the object, which has just been read, got its status from another since it was read or written last.

        Ask only while no write of this object is under way.
        """
        place = (resource.plural, key)
        known, now = self._times.get(place), _last_written(obj, self._manager)
        self._times[place] = now
        if self._in_doubt.get(place, 0.0) > self._now():
            return False
        self._in_doubt.pop(place, None)
        return known is not None and now > known

    def forget(self, resource: Resource, key: ObjectKey) -> None:
        """The object is gone."""
        self._times.pop((resource.plural, key), None)
        self._in_doubt.pop((resource.plural, key), None)


def _last_written(obj: JsonObject, manager: str) -> str:
    """When the manager last changed the object's status, as Kubernetes writes times; empty: never."""
    entries = obj["metadata"].get("managedFields")
    times = (
        entry.get("time")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and (entry.get("manager"), entry.get("subresource")) == (manager, "status")
    )
    return max((time for time in times if isinstance(time, str)), default="")
