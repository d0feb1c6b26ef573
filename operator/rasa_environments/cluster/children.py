"""Creates, compares and puts right the objects that belong to an environment.

Whether anything differs is decided here, from the cache: an apply that changes nothing costs the API server more than
four creations. So an object is created by POST, and applied only to correct it.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import orjson

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache, identity
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.contention import Contention
from rasa_environments.cluster.errors import ApiError, BeingDeleted, Contended, NameConflict, Outdated, OwnerGone
from rasa_environments.cluster.events import Record, record_nothing, timestamp
from rasa_environments.cluster.ownership import fields_to_leave, migration
from rasa_environments.cluster.projections import DESIRED_ANNOTATION, controller, is_outline
from rasa_environments.cluster.resources import Resource, resource_of
from rasa_environments.judge.additions import NO_INJECTORS, Guarded, Injectors, additions
from rasa_environments.judge.drift import difference
from rasa_environments.judge.events import drift_reverted, owner_reference

log = logging.getLogger(__name__)

_ATTEMPTS: Final = 5
_PAUSE: Final = 0.1
"""Seconds; a Deployment that was just created is written by its controllers several times in a row."""
_VOLATILE_METADATA: Final = frozenset({"resourceVersion", "managedFields", "generation"})


Check = Callable[[], Awaitable[None]]


async def no_check() -> None:
    """For an owner that is known to exist."""


class Outcome(enum.Enum):
    """What `apply` had to do."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    CORRECTED = "corrected"


class _Verdict(NamedTuple):
    """That an object is as it should be: it was compared in this version, or its difference is the API server's own."""

    digest: str
    version: int | None
    fingerprint: bytes = b""


class Children:
    """The children of all environments, seen through the caches that reflectors keep."""

    def __init__(
        self,
        client: Client,
        caches: Mapping[Resource, ObjectCache],
        injectors: Injectors = NO_INJECTORS,
        record: Record = record_nothing,
    ) -> None:
        self._client = client
        self._record = record
        self._injectors = injectors
        self._caches = caches
        self._verdicts: dict[Resource, dict[ObjectKey, _Verdict]] = {resource: {} for resource in caches}
        self._contention = Contention()

    def live(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """The object as last seen, or None; without managedFields, and an outline if it is long (`projections`)."""
        return self._caches[resource].get(key)

    async def read(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """The whole object: as last seen, or where that is an outline as it is stored. Raises `ApiError`."""
        seen = self.live(resource, key)
        return await self._client.get(resource, key) if seen is not None and is_outline(seen) else seen

    async def apply(
        self,
        desired: JsonObject,
        *,
        create_only: bool = False,
        version: str | None = None,
        check_owner: Check = no_check,
    ) -> Outcome:
        """Make the object as `desired`, which carries its owner as the controller in `ownerReferences`.

        Makes no request if it is so already. Fields that are not in `desired` and never were stay as they are, except
        in the guarded parts (judge/additions.py), which others may not add to.
        `create_only`: `desired` holds values that were generated because there was no such object; one that has come
        meanwhile is not written over, and with `version` none in another version. `check_owner` is called before the
        object is created.
        Raises `NameConflict` if an object of that name has another controller or none, `BeingDeleted` if it is on its
        way out, `Outdated` if it is not what `desired` was decided on, `Contended` if somebody else changes it again
        and again, and `ApiError` if a write is refused.
        """
        resource = resource_of(desired["kind"])
        key, _ = identity(desired)
        wanted = with_digest(desired)
        if not create_only and self._is_known_good(resource, key, wanted):
            return Outcome.UNCHANGED
        live = self.live(resource, key)
        if live is not None and not create_only and self._deviation(resource, key, wanted, live) is None:
            return Outcome.UNCHANGED
        if self._contention.seconds_left(resource, key, _digest_of(wanted)):
            raise Contended(resource.kind, key, self._contention.count(resource, key))
        if live is None:
            try:
                return await self._create(resource, key, wanted, check_owner)
            except ApiError as error:
                if not error.already_exists:
                    raise
        if create_only:
            raise await self._existing(resource, key, wanted)
        return await self._correct(resource, key, wanted, version, check_owner)

    async def remove(self, resource: Resource, key: ObjectKey, owner_uid: str) -> bool:
        """Delete the object if there is one whose controller has that uid; whether it did."""
        live = self.live(resource, key)
        if live is None or live["metadata"].get("deletionTimestamp") or controller(live).get("uid") != owner_uid:
            return False
        await self._client.delete(resource, key, uid=live["metadata"]["uid"])
        self._forget(resource, key)
        return True

    def forget(self, key: ObjectKey) -> None:
        """The owner of the children of this name is gone: what was found out about them is needed no longer."""
        for verdicts in self._verdicts.values():
            verdicts.pop(key, None)
        self._contention.forget(key)

    def _is_known_good(self, resource: Resource, key: ObjectKey, wanted: JsonObject) -> bool:
        """Whether this very version was compared with this very wish before."""
        verdict = self._verdicts[resource].get(key)
        return verdict is not None and verdict[:2] == (_digest_of(wanted), self._caches[resource].version(key))

    def _deviation(self, resource: Resource, key: ObjectKey, wanted: JsonObject, live: JsonObject) -> str | None:
        """Where `live` needs a write; None, and remembered, if it needs none. Raises if it is not ours to write."""
        _refuse_what_is_not_ours(wanted, live)
        verdicts, digest = self._verdicts[resource], _digest_of(wanted)
        _, version = identity(live)
        path = self._difference(wanted, live)
        if path is None:
            verdicts[key] = _Verdict(digest, version)
            return None
        verdict = verdicts.get(key)
        if verdict is None or verdict.digest != digest or verdict.fingerprint != fingerprint(live):
            return path
        verdicts[key] = verdict._replace(version=version)
        return None

    async def _create(self, resource: Resource, key: ObjectKey, wanted: JsonObject, check_owner: Check) -> Outcome:
        await check_owner()
        verdict = self._verdicts[resource].get(key)
        self._keep(resource, key, wanted, await self._client.create(resource, wanted))
        if verdict is not None and verdict.digest == _digest_of(wanted):
            self._tell_reverted(wanted, None)
        return Outcome.CREATED

    async def _existing(self, resource: Resource, key: ObjectKey, wanted: JsonObject) -> Outdated:
        live = await self._client.get(resource, key)
        _refuse_what_is_not_ours(wanted, live)
        return Outdated(resource.kind, key, live)

    async def _correct(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, version: str | None, check_owner: Check
    ) -> Outcome:
        """Write what differs, judged by the object in the storage: the cache may be behind."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._correct_once(resource, key, wanted, version, check_owner)
            except (Outdated, OwnerGone):
                raise
            except ApiError as error:
                if attempt == _ATTEMPTS or not _lost_a_race(error):
                    raise
                await asyncio.sleep(random.uniform(0.5, 1.0) * _PAUSE * attempt)  # noqa: S311
        raise AssertionError  # the loop returns or raises

    async def _correct_once(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, version: str | None, check_owner: Check
    ) -> Outcome:
        live = await self._client.find(resource, key)
        if live is None:
            self._caches[resource].remove(key)
            return await self._create(resource, key, wanted, check_owner)
        # What is not ours has not our label: no watch would tell that it is gone, so it must not get into the cache.
        _refuse_what_is_not_ours(wanted, live)
        self._caches[resource].put(live)
        path = self._deviation(resource, key, wanted, live)
        if path is None:
            return Outcome.UNCHANGED
        if version is not None and live["metadata"]["resourceVersion"] != version:
            raise Outdated(resource.kind, key, live)
        log.info("%s %s is corrected: it differs at %s", resource.kind, key, path)
        drifted = not _is_for_another_wish(wanted, live)
        if live.get("immutable"):  # a ConfigMap or Secret that no write can change any more
            await self._client.delete(resource, key, uid=live["metadata"]["uid"])
            self._forget(resource, key)
            outcome = await self._create(resource, key, wanted, check_owner)
            if drifted:
                self._tell_reverted(wanted, path)
            return outcome
        # Where something else is desired than last time, what seems to be added may be the operator's own, which the
        # apply removes: then pods are rolled once, with all that changes. But an admission policy may refuse it for
        # what was added.
        found = additions(wanted, live, self._injectors)
        added = found if was_last_written_as(wanted, live) else ()
        try:
            answer = await self._write(resource, key, wanted, live, added)
        except ApiError as error:
            if added == found or error.status not in (403, 422) or _lost_a_race(error):
                raise
            live = await self._client.get(resource, key)
            _refuse_what_is_not_ours(wanted, live)
            answer = await self._write(resource, key, wanted, live, additions(wanted, live, self._injectors))
        if added_still := additions(wanted, answer, self._injectors):
            answer = await self._client.json_patch(resource, key, _replacements(answer, added_still))
        self._keep(resource, key, wanted, answer)
        if drifted:
            self._tell_reverted(wanted, path)
        return Outcome.CORRECTED

    def _tell_reverted(self, wanted: JsonObject, path: str | None) -> None:
        """Records that somebody else had changed the object at `path`, or deleted it (None)."""
        event = drift_reverted(wanted, path, time=timestamp(datetime.now(UTC)))
        self._record(owner_reference(wanted), (event,))

    async def _write(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, live: JsonObject, added: Sequence[Guarded]
    ) -> JsonObject:
        """Put back the parts that others added to, then apply; the object as stored.

        Raises `ApiError` 409 if it has changed since it was read: another writer may have made it right already.
        """
        patch = [*_replacements(live, added), *(migration(live, fields_to_leave(wanted)) or ())]
        if patch:
            live = await self._client.json_patch(resource, key, patch)
        identified = {name: live["metadata"][name] for name in ("uid", "resourceVersion")}
        try:
            return await self._apply(resource, key, {**wanted, "metadata": {**wanted["metadata"], **identified}})
        except ApiError as error:
            if not patch or not _lost_a_race(error):
                raise
            # Somebody else, such as the controller that writes the status, wrote in between. Where the patch alone has
            # put everything right, this was the correction: a new attempt would find nothing to correct.
            stored = await self._client.find(resource, key)
            if stored is None or stored["metadata"]["uid"] != identified["uid"] or self._difference(wanted, stored):
                raise
            return stored

    def _difference(self, wanted: JsonObject, live: JsonObject) -> str | None:
        """The path of the first difference: of what is missing or changed, else of what others added."""
        path = difference(wanted, live)
        if path is not None:
            return path
        return next((added for part in additions(wanted, live, self._injectors) for added in part.added), None)

    async def _apply(self, resource: Resource, key: ObjectKey, wanted: JsonObject) -> JsonObject:
        """Apply; where that is refused, write whole lists instead of single items.

        A list is merged by a key that somebody may have changed, such as a port's number: what is applied then stands
        beside his item, and the API server refuses two ports of one name.
        """
        try:
            return await self._client.apply(resource, wanted)
        except ApiError as error:
            if error.status != 422 or _lost_a_race(error):
                raise
            return await self._client.patch(resource, key, wanted)

    def _keep(self, resource: Resource, key: ObjectKey, wanted: JsonObject, answer: JsonObject) -> None:
        """Take the answer to a write into the cache, and for right, even where the API server changed it."""
        self._caches[resource].put(answer)
        self._contention.corrected(resource, key, _digest_of(wanted))
        _, version = identity(answer)
        path = self._difference(wanted, answer)
        if path is None:
            self._verdicts[resource][key] = _Verdict(_digest_of(wanted), version)
            return
        log.warning("%s %s: the API server does not keep %s as it was written", resource.kind, key, path)
        self._verdicts[resource][key] = _Verdict(_digest_of(wanted), version, fingerprint(answer))

    def _forget(self, resource: Resource, key: ObjectKey) -> None:
        self._caches[resource].remove(key)
        self._verdicts[resource].pop(key, None)


def with_digest(desired: JsonObject) -> JsonObject:
    """The object with the digest of itself as an annotation."""
    digest = hashlib.blake2b(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    metadata = desired["metadata"]
    annotations = {**(metadata.get("annotations") or {}), DESIRED_ANNOTATION: digest}
    # The digest comes last, so that the first difference that is found and logged is a telling one.
    rest = {name: value for name, value in desired.items() if name != "metadata"}
    return {**rest, "metadata": {**metadata, "annotations": annotations}}


def was_last_written_as(wanted: JsonObject, live: JsonObject) -> bool:
    """Whether `live` was last written as `wanted`, which has the digest of itself; it may have been edited since."""
    return (live["metadata"].get("annotations") or {}).get(DESIRED_ANNOTATION) == _digest_of(wanted)


def _is_for_another_wish(wanted: JsonObject, live: JsonObject) -> bool:
    """Whether `live` was last written when something else was desired; who takes the digest away has edited it."""
    digest = (live["metadata"].get("annotations") or {}).get(DESIRED_ANNOTATION)
    return digest is not None and digest != _digest_of(wanted)


def _replacements(live: JsonObject, parts: Sequence[Guarded]) -> list[JsonObject]:
    """JSON patch operations that put the guarded parts back: an apply cannot remove what another manager owns.

    The patch fails with 409 if the object has changed since it was read.
    """
    if not parts:
        return []
    replacements = [{"op": "replace", "path": "/" + "/".join(part.path), "value": part.value} for part in parts]
    version = live["metadata"]["resourceVersion"]
    unchanged = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
    return [*replacements, unchanged]


def fingerprint(live: JsonObject) -> bytes:
    """A digest of the object without its status and what changes with every write."""
    metadata = {name: value for name, value in live["metadata"].items() if name not in _VOLATILE_METADATA}
    lasting = {name: value for name, value in live.items() if name != "status"} | {"metadata": metadata}
    return hashlib.blake2b(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _digest_of(wanted: JsonObject) -> str:
    digest: str = wanted["metadata"]["annotations"][DESIRED_ANNOTATION]
    return digest


def _refuse_what_is_not_ours(wanted: JsonObject, live: JsonObject) -> None:
    """Raise `NameConflict` or `BeingDeleted` unless `live` is controlled by the same owner as `wanted`."""
    owner, actual = controller(wanted), controller(live)
    key, _ = identity(wanted)
    if actual.get("uid") != owner["uid"]:
        former = _name_of(actual) == _name_of(owner)
        if not former:
            raise NameConflict(wanted["kind"], key, f"{actual.get('kind')}/{actual.get('name')}" if actual else None)
        raise BeingDeleted(wanted["kind"], key)
    if live["metadata"].get("deletionTimestamp"):
        raise BeingDeleted(wanted["kind"], key)


def _name_of(reference: JsonObject) -> tuple[str, ...]:
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return group, str(reference.get("kind")), str(reference.get("name"))


def _lost_a_race(error: ApiError) -> bool:
    """Whether somebody else wrote in between: changed, deleted, or replaced the object."""
    return error.status in (404, 409) or (error.status == 422 and "metadata.uid" in error.message)
