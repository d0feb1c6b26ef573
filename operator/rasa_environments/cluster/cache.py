"""A cache of observed objects, kept small: stored as JSON bytes, and parsed on access."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import orjson

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.client import Listing

Projection = Callable[[JsonObject], JsonObject | None]
"""Returns the part of an object to keep, or None for nothing at all; it must not change its argument."""

_ALL: Final = ""
_SHORT: Final = 1024
"""Bytes of which an outline saves too little to be worth its CPU time."""


class _Entry(NamedTuple):
    version: int
    content: bytes
    status: bytes
    """Kept apart with `by_content`."""
    unchanged_since: int
    """The first version with this content; with `by_content`, whatever the status was meanwhile."""
    digest: bytes = b""
    """That of the whole content, if `content` is an outline of it since `condense`."""


class ObjectCache:
    """The objects of one resource, by namespace and name, reduced by `projection`.

    Only the `outline` is kept of an object that is longer than `largest` bytes as JSON, or was condensed. With
    `by_content`, an update that changes nothing of the content, or of what is kept of the status, is no change:
    controllers write the status of objects again and again.

    An object never goes back to an older resourceVersion (these can be compared as numbers since Kubernetes 1.35, and
    always could on etcd). The cache has two sources: lists and watches, and responses to the operator's own writes,
    which may arrive late. The progress of the watch (`advance`) shows whether such a response is about an object that
    has since been deleted.
    """

    def __init__(
        self,
        projection: Projection | None = None,
        *,
        outline: Callable[[JsonObject], JsonObject] | None = None,
        largest: int = 0,
        by_content: bool = False,
    ) -> None:
        self._projection = projection or without_managed_fields
        self._outline = outline
        self._largest = largest
        self._by_content = by_content
        self._entries: dict[ObjectKey, _Entry] = {}
        self._progress: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._entries

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return a new copy of the object as last observed, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        obj: JsonObject = orjson.loads(entry.content)
        if entry.status:
            obj["status"] = orjson.loads(entry.status)
        if self._by_content and entry.version:  # which `_content` leaves out
            obj["metadata"]["resourceVersion"] = str(entry.version)
        return obj

    def version(self, key: ObjectKey) -> int | None:
        """Return the object's resourceVersion, without parsing it; None if it is not cached."""
        entry = self._entries.get(key)
        return None if entry is None else entry.version

    def unchanged_since(self, key: ObjectKey) -> int | None:
        """Return the first version that had the object's content, apart from its status; None if it is not cached."""
        entry = self._entries.get(key)
        return None if entry is None else entry.unchanged_since

    def keys(self) -> Iterator[ObjectKey]:
        """Return all keys; the cache must not change meanwhile."""
        return iter(self._entries)

    def put(self, obj: JsonObject) -> bool:
        """Store the object; return whether this is a change: a new object, a newer version, or one no longer kept.

        A newer version with the same content is stored, too.
        """
        key, version = identity(obj)
        known = self._entries.get(key)
        if known is None:
            if 0 < version <= self._watched_until(key.namespace):
                return False  # a late response: the watch is past it, and the object is gone
        elif version <= known.version and version > 0:
            return False
        kept = self._projection(obj)
        if kept is None:
            return self.remove(key)
        content, status = self._serialized(kept)
        if self._by_content and known is not None and _has_content(known, content):
            self._entries[key] = known._replace(version=version, status=status)
            return known.status != status
        self._entries[key] = _Entry(version, content, status, version)
        return True

    def condense(self, key: ObjectKey, version: int | None) -> None:
        """Keep only the outline of an object in this version, and what tells whether its content changes.

        Only for a cache `by_content`. A child with nothing left to compare takes a third of the memory.
        """
        entry = self._entries.get(key)
        if self._outline is None or entry is None or entry.digest or entry.version != version:
            return
        if len(entry.content) <= _SHORT:
            return
        obj: JsonObject = orjson.loads(entry.content)
        outlined = without_version(self._outline(obj))
        outlined.pop("status", None)
        content = _exactly(orjson.dumps(outlined))
        self._entries[key] = entry._replace(content=content, digest=_digest(entry.content))

    def _serialized(self, kept: JsonObject) -> tuple[bytes, bytes]:
        """Return the content to store, and with `by_content` its status apart."""
        if not self._by_content:
            return _exactly(orjson.dumps(kept)), b""
        rest = without_version(kept)
        status = rest.pop("status", None)
        content = orjson.dumps(rest)
        if self._outline is not None and len(content) > self._largest:
            # With its version: what an outline leaves out may have changed.
            rest = self._outline(kept)
            status = rest.pop("status", None)
            content = orjson.dumps(rest)
        return _exactly(content), b"" if status is None else _exactly(orjson.dumps(status))

    def remove(self, key: ObjectKey) -> bool:
        """Remove the object; return whether it was cached."""
        return self._entries.pop(key, None) is not None

    def forget(self, namespace: str) -> list[ObjectKey]:
        """Remove all objects of a namespace and the progress of its watch; return their keys."""
        gone = [key for key in self._entries if key.namespace == namespace]
        for key in gone:
            del self._entries[key]
        self._progress.pop(namespace, None)
        return gone

    def replace(self, listing: Listing) -> set[ObjectKey]:
        """Replace all objects by a complete listing of all namespaces.

        Return the keys that changed, appeared or vanished.
        """
        relist = self.relist(None)
        relist.start(listing.resource_version)
        changed = set()
        for obj in listing.items:
            key, _ = identity(obj)
            if self.put(obj):
                changed.add(key)
            relist.note(key)
        return changed | relist.finish()

    def relist(self, namespace: str | None) -> Relist:
        """Start a listing that arrives in pages, of one namespace or of all."""
        return Relist(self, namespace or _ALL)

    def advance(self, resource_version: str, namespace: str | None = None) -> None:
        """Record that everything up to this version has been observed, in that namespace or in all."""
        scope = namespace or _ALL
        self._progress[scope] = max(_number(resource_version), self._progress.get(scope, 0))

    def _watched_until(self, namespace: str) -> int:
        return max(self._progress.get(namespace, 0), self._progress.get(_ALL, 0))


class Relist:
    """A listing that is being read into a cache page by page.

    Objects that it does not contain are removed at its end.
    """

    def __init__(self, cache: ObjectCache, scope: str) -> None:
        self._cache = cache
        self._scope = scope
        self._there: set[ObjectKey] = set()
        self._dropped: set[ObjectKey] = set()
        self._before = cache._progress.pop(scope, 0)  # noqa: SLF001 - one thing in two parts
        self._version: str | None = None

    def start(self, resource_version: str) -> None:
        """Begin a page of a listing made at that version.

        If the version is older than before, because the API server's storage was restored from a backup, all objects
        are removed first.
        """
        if self._version is None and _number(resource_version) < self._before:
            self._dropped = set(self._in_scope())
            for key in self._dropped:
                self._cache.remove(key)
        self._version = resource_version

    def note(self, key: ObjectKey) -> None:
        """Record that the listing contains this object."""
        if key in self._cache:
            self._there.add(key)

    def finish(self) -> set[ObjectKey]:
        """Remove the objects that were not in the listing; return their keys."""
        if self._version is None:
            return set()
        version = _number(self._version)
        # An object that is newer than the listing was created after it was made.
        gone = {
            key for key in self._in_scope() if key not in self._there and (self._cache.version(key) or 0) <= version
        }
        for key in gone:
            self._cache.remove(key)
        self._cache.advance(self._version, self._scope)
        return gone | {key for key in self._dropped if key not in self._cache}

    def _in_scope(self) -> list[ObjectKey]:
        return [key for key in self._cache.keys() if self._scope in (_ALL, key.namespace)]  # noqa: SIM118


def _has_content(entry: _Entry, content: bytes) -> bool:
    return entry.digest == _digest(content) if entry.digest else entry.content == content


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _exactly(content: bytes) -> bytes:
    """Return a copy that is as long as its content: orjson returns bytes in a buffer of up to four times that."""
    return bytes(memoryview(content))


def without_managed_fields(obj: JsonObject) -> JsonObject:
    """Return the object without `metadata.managedFields`, which are often half of it."""
    metadata = obj["metadata"]
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


def without_version(obj: JsonObject) -> JsonObject:
    """Return the object without `metadata.resourceVersion`, which every write changes."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    return {**obj, "metadata": metadata}


def version_alone(_: JsonObject) -> JsonObject:
    """Return nothing of the object: the cache then holds its key and version only."""
    return {}


def identity(obj: JsonObject) -> tuple[ObjectKey, int]:
    """Return key and resourceVersion of an object.

    The version is 0 if there is none; the key of a cluster-scoped object has an empty namespace.
    """
    metadata = obj["metadata"]
    return ObjectKey(sys.intern(metadata.get("namespace", "")), metadata["name"]), _number(
        metadata.get("resourceVersion")
    )


def _number(resource_version: str | None) -> int:
    return int(resource_version) if resource_version else 0
