"""Detection of another operator: a status write under our field manager that is not ours.

The API server records in `metadata.managedFields` when a field manager last changed a subresource, to the second:
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
"""Statuses after which a write certainly has not taken place."""

DOUBT_SECONDS: Final = 65.0
"""Seconds after a write without a response: the API server ends a request after 60 s (--request-timeout)."""

Place: TypeAlias = tuple[str, ObjectKey]


class StatusWrites:
    """When the status of each object was last written as `manager`, as far as this process knows.

    It never takes its own write for another's, even if the response was lost. It misses another's write in the same
    second as its own, and for a while after a write whose response was lost.
    """

    def __init__(self, manager: str, now: Callable[[], float] = time.monotonic) -> None:
        self._manager = manager
        self._now = now
        self._times: dict[Place, str] = {}
        self._in_doubt: dict[Place, float] = {}
        """Until when a write of our own may take place, or have taken place, without our knowledge."""

    @contextlib.contextmanager
    def sending(self, resource: Resource, key: ObjectKey) -> Iterator[None]:
        """Mark the block as writing a status; pass its response to `answered`."""
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, ApiError) and error.status in _NOT_DONE):
                self._in_doubt[resource.plural, key] = self._now() + DOUBT_SECONDS
            raise

    def answered(self, resource: Resource, key: ObjectKey, obj: JsonObject) -> None:
        """Record the object as returned by a write of its status."""
        self._times[resource.plural, key] = _last_written(obj, self._manager)

    def has_another_written(self, resource: Resource, key: ObjectKey, obj: JsonObject) -> bool:
        """Return whether another process wrote the status of the object since it was last read or written here.

        The object has just been read. Call this only while no write of it is in progress.
        """
        place = (resource.plural, key)
        known, now = self._times.get(place), _last_written(obj, self._manager)
        self._times[place] = now
        if self._in_doubt.get(place, 0.0) > self._now():
            return False
        self._in_doubt.pop(place, None)
        return known is not None and now > known

    def forget(self, resource: Resource, key: ObjectKey) -> None:
        """Discard what is known about an object that is gone."""
        self._times.pop((resource.plural, key), None)
        self._in_doubt.pop((resource.plural, key), None)


def _last_written(obj: JsonObject, manager: str) -> str:
    """Return when the manager last changed the object's status, in Kubernetes' format; empty for never."""
    entries = obj["metadata"].get("managedFields")
    times = (
        entry.get("time")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and (entry.get("manager"), entry.get("subresource")) == (manager, "status")
    )
    return max((time for time in times if isinstance(time, str)), default="")
