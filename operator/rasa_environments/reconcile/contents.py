"""Reads objects of the operator's own kinds, whose watches deliver only name and version.

Each unknown version is read by one GET with a size limit, so that no object fills the memory or ends a watch. An object
that cannot be used is rejected: the last valid version stays in force, and a condition says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import API_VERSION, JsonObject, Rejection
from rasa_environments.api.conditions import CONDITIONS, ConditionType, Reason
from rasa_environments.api.kinds import InvalidObjectError, parse
from rasa_environments.cluster.errors import ApiError, TooLargeError
from rasa_environments.cluster.resources import resource_of
from rasa_environments.controller.event_handlers import EventHandlers
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.domain.facts import Problem
from rasa_environments.judge.conditions import condition_of, overruled, transitioned
from rasa_environments.judge.events import ObjectReference, Record, record_nothing, stalled_event
from rasa_environments.judge.transitions import transitions
from rasa_environments.judge.verdicts import rejected, unready
from rasa_environments.reconcile.clock import utc_now
from rasa_environments.reconcile.others import OtherOperators
from rasa_environments.reconcile.ports import ObjectReader, StatusWriter, Watched
from rasa_environments.reconcile.status import log_transitions

MAXIMUM_OBJECT_BYTES: Final = 512 * 1024
"""Bytes of an object as JSON. Besides a spec of 64 KiB, it may hold a copy of that in the annotation of `kubectl
apply`, the names of all fields in managedFields, and the status."""


def identity_of(obj: JsonObject) -> JsonObject:
    """Return what a cache of an own kind keeps: the object's identity, version and generation."""
    metadata = obj["metadata"]
    names = ("namespace", "name", "uid", "resourceVersion", "generation")
    return {"metadata": {name: metadata[name] for name in names if name in metadata}}


@dataclass(frozen=True)
class _Identity:
    uid: str
    version: int
    generation: int


class Contents:
    """Keeps the lister in sync with the caches of the own kinds."""

    def __init__(
        self,
        api: ObjectReader,
        caches: Mapping[Kind, Watched],
        event_handlers: EventHandlers,
        statuses: StatusWriter,
        others: OtherOperators | None = None,
        record: Record = record_nothing,
    ) -> None:
        self._api = api
        self._statuses = statuses
        self._others = others or OtherOperators()
        self._record = record
        self._caches = caches
        self._event_handlers = event_handlers
        self._unusable: dict[Request, Rejection] = {}
        """Objects without any usable version so far."""
        self._doubted: set[Request] = set()
        """Objects to read again, although no newer version is known."""

    def requests(self) -> list[Request]:
        """Return requests for all existing objects."""
        return [Request(kind, key) for kind, cache in self._caches.items() for key in cache.keys()]  # noqa: SIM118

    def doubt(self, request: Request) -> None:
        """Read the object again: a changed definition may expose more or fewer fields of the same version."""
        self._doubted.add(request)

    async def refresh(self, request: Request) -> None:
        """Read the object if it has an unread version, or is in doubt. Raises ApiError."""
        doubted = request in self._doubted
        self._doubted.discard(request)
        version = self._caches[request.kind].version(request.key)
        if version is None:
            self._forget(request)
            return
        known = self._event_handlers.known(request)
        earlier = self._unusable.get(request)
        read = max(known.metadata.latest_version if known else 0, earlier.version if earlier else 0)
        usable = known is not None and known.metadata.rejection is None
        if version <= read and not (doubted and usable):
            return
        identity = self._identity(request)
        try:
            obj = await self._api.get(resource_of(request.kind), request.key, maximum_bytes=MAXIMUM_OBJECT_BYTES)
            if self._api.status_writes.has_another_written(resource_of(request.kind), request.key, obj):
                self._others.met(request)
            resource = parse(request.kind, obj)
        except TooLargeError:
            limit = f"the object has more than {MAXIMUM_OBJECT_BYTES // 1024} KiB as JSON; make its spec smaller"
            await self._reject(request, identity, limit)
        except InvalidObjectError as error:
            await self._reject(request, identity, str(error), obj)
        except ApiError as error:
            if error.status != 404:
                raise
            self._forget(request)
        else:
            self._unusable.pop(request, None)
            self._event_handlers.on_update(resource)

    async def report_failure(self, request: Request, error: Exception) -> None:
        """Report in the status that the operator itself failed on the object. Raises ApiError."""
        known = self._event_handlers.known(request)
        if known is None:
            return
        message = f"the operator failed ({type(error).__name__}) and tries again; its log has the details"
        conditions = unready(Problem(Reason.INTERNAL_ERROR, message, stalled=False))
        await self._statuses.write(known, known.status, overruled(known.status.conditions or (), conditions))

    def _identity(self, request: Request) -> _Identity:
        found = self._caches[request.kind].get(request.key)
        if found is None:
            raise AssertionError  # it has a version
        metadata = found["metadata"]
        return _Identity(metadata["uid"], int(metadata["resourceVersion"]), int(metadata.get("generation", 0)))

    def _forget(self, request: Request) -> None:
        self._unusable.pop(request, None)
        self._api.status_writes.forget(resource_of(request.kind), request.key)
        self._event_handlers.on_delete(request)

    async def _reject(self, request: Request, identity: _Identity, problem: str, obj: JsonObject | None = None) -> None:
        """Keep the last valid version in force, or report in the status that there is none."""
        rejection = Rejection(identity.version, identity.generation, problem)
        known = self._event_handlers.known(request)
        if known is not None and known.metadata.uid == identity.uid:
            self._event_handlers.reject(known, rejection)
            return
        self._forget(request)
        version = await self._tell(request, identity.uid, rejection, obj)
        is_new = request not in self._unusable
        self._unusable[request] = Rejection(max(version, identity.version), identity.generation, problem)
        if is_new:
            self._event_handlers.on_unusable(request)

    async def _tell(self, request: Request, uid: str, rejection: Rejection, obj: JsonObject | None) -> int:
        """Write the conditions unless the object has them; return its resourceVersion afterwards."""
        stamped = transitioned((), rejected(rejection), generation=rejection.generation, time=utc_now())
        conditions = CONDITIONS.dump_python(list(stamped), by_alias=True, exclude_none=True)
        if obj is not None and _same(obj, conditions):
            return rejection.version
        status = {"observedGeneration": rejection.generation, "conditions": conditions}
        written = await self._api.patch_status(resource_of(request.kind), request.key, status, metadata_only=True)
        log_transitions(transitions((), stamped))
        stalled = condition_of(stamped, ConditionType.STALLED)
        if stalled is not None:
            # The earlier status of a too large object is unknown: one Event per generation.
            regarding = ObjectReference(API_VERSION, request.kind, request.key.namespace, request.key.name, uid)
            self._record(regarding, (stalled_event(stalled, f"generation {rejection.generation}"),))
        return int(written["metadata"]["resourceVersion"])


def _same(obj: JsonObject, conditions: list[JsonObject]) -> bool:
    """Return whether the object has these conditions, regardless of their times."""

    def timeless(entries: object) -> list[JsonObject]:
        return [{**entry, "lastTransitionTime": None} for entry in entries] if isinstance(entries, list) else []

    return timeless((obj.get("status") or {}).get("conditions")) == timeless(conditions)
