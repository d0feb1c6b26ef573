"""Resources as last observed, with indexes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag

Resource = TypeVar("Resource", ModelServer, DeploymentEnvironment, ModelTag)
IndexKey = tuple[ObjectKey, str]


class Indexer(Generic[Resource]):
    """Resources of one kind by key and by index entry, the oldest first."""

    def __init__(
        self,
        index: Callable[[Resource], Iterable[IndexKey]],
        changed: Callable[[Resource | None, Resource | None], None],
    ) -> None:
        self._index: Callable[[Resource], Iterable[IndexKey]] = index
        self._changed: Callable[[Resource | None, Resource | None], None] = changed
        """Called for each change with the resource before and after it."""
        self._resources: dict[ObjectKey, Resource] = {}
        self._indexed: dict[IndexKey, list[tuple[str, ObjectKey]]] = {}

    def __len__(self) -> int:
        return len(self._resources)

    def get(self, key: ObjectKey) -> Resource | None:
        """Return the resource of that key, or None."""
        return self._resources.get(key)

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._resources.values()))

    def put(self, resource: Resource) -> Resource | None:
        """Store the resource; return the one that it replaces."""
        before = self._take_out(resource.metadata.key)
        self._resources[resource.metadata.key] = resource
        for entry in self._index(resource):
            insort(self._indexed.setdefault(entry, []), _by_age(resource))
        self._changed(before, resource)
        return before

    def refresh(self, resource: Resource) -> None:
        """Store the result of a write, unless the object was observed in a newer version, or gone, in the meantime.

        A result with another spec or annotation is left to the watch, which notifies all dependents.
        """
        known = self._resources.get(resource.metadata.key)
        if known is None or known.metadata.uid != resource.metadata.uid:
            return
        before, after = known.metadata, resource.metadata
        if (before.generation, before.annotations) != (after.generation, after.annotations):
            return
        if known.metadata.latest_version < resource.metadata.latest_version:
            self.put(resource)

    def remove(self, key: ObjectKey) -> Resource | None:
        """Remove the resource and return it."""
        before = self._take_out(key)
        if before is not None:
            self._changed(before, None)
        return before

    def by_index(self, entry: IndexKey) -> tuple[Resource, ...]:
        """Return the resources with that index entry, the oldest first."""
        return tuple(self._resources[key] for _, key in self._indexed.get(entry, ()))

    def _take_out(self, key: ObjectKey) -> Resource | None:
        before = self._resources.pop(key, None)
        if before is not None:
            for entry in self._index(before):
                places = self._indexed[entry]
                del places[bisect_left(places, _by_age(before))]
                if not places:
                    del self._indexed[entry]
        return before


def _by_age(resource: Resource) -> tuple[str, ObjectKey]:
    return resource.metadata.creation_timestamp, resource.metadata.key
