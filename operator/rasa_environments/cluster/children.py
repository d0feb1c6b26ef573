"""Creates, compares and corrects the objects that belong to an environment.

Differences are detected here, from the cache: an apply that changes nothing costs the API server more than four
creations. So objects are created by POST, and applied only to correct them.
"""

from __future__ import annotations

import asyncio
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
from rasa_environments.cluster.errors import (
    ApiError,
    BeingDeletedError,
    ContendedError,
    NameConflictError,
    OutdatedError,
    OwnerGoneError,
)
from rasa_environments.cluster.events import timestamp
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.owners import OwnerCheck
from rasa_environments.cluster.ownership import fields_to_leave, migration
from rasa_environments.cluster.projections import DESIRED_ANNOTATION, controller, is_outline
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, Resource, resource_of
from rasa_environments.judge.additions import NO_INJECTORS, Guarded, Injectors, additions
from rasa_environments.judge.drift import difference
from rasa_environments.judge.events import Record, drift_reverted, owner_reference, record_nothing

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 5
_PAUSE: Final = 0.1
"""Seconds between attempts; controllers write a newly created Deployment several times in a row."""
_VOLATILE_METADATA: Final = frozenset({"resourceVersion", "managedFields", "generation"})


Check = Callable[[], Awaitable[None]]


class _Verdict(NamedTuple):
    """That an object is correct: compared in this version, or differing only by what the API server changes itself."""

    digest: str
    version: int | None
    fingerprint: bytes = b""


class Children:
    """The children of all environments, observed through the caches that reflectors fill."""

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
        """Return the object as last observed, or None.

        Without managedFields, and as an outline if it is long, or an environment's and correct (`projections`).
        """
        return self._caches[resource].get(key)

    async def read(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """Return the complete object: as last observed, or as stored if that is an outline. Raises ApiError."""
        seen = self.live(resource, key)
        return await self._client.get(resource, key) if seen is not None and is_outline(seen) else seen

    async def apply(
        self,
        desired: JsonObject,
        *,
        create_only: bool = False,
        version: str | None = None,
        check_owner: Check | None = None,
    ) -> Outcome:
        """Create or correct the object so that it matches `desired`, which names its controller in `ownerReferences`.

        Makes no request if it matches already. Fields that are not in `desired` and never were stay unchanged, except
        in the guarded parts (judge/additions.py), which others may not extend. `create_only`: `desired` holds values
        generated for a missing object; one that was created meanwhile is not overwritten, and with `version` none in
        another version. `check_owner` is called before the object is created. Raises NameConflictError if an object of
        that name has another controller or none, BeingDeletedError if it is being deleted, OutdatedError if it is not
        the version that `desired` is based on, ContendedError if somebody else keeps changing it, and ApiError if a
        write is rejected.
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
            raise ContendedError(resource.kind, key, self._contention.count(resource, key))
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
        """Delete the object if its controller has that uid; return whether it did."""
        live = self.live(resource, key)
        if live is None or live["metadata"].get("deletionTimestamp") or controller(live).get("uid") != owner_uid:
            return False
        await self._client.delete(resource, key, uid=live["metadata"]["uid"])
        self._forget(resource, key)
        return True

    def forget(self, key: ObjectKey) -> None:
        """Discard what is known about the children of this name, whose owner is gone."""
        for verdicts in self._verdicts.values():
            verdicts.pop(key, None)
        self._contention.forget(key)

    def owner_check(self, resource: Resource, key: ObjectKey, uid: str) -> Check:
        """Return a check for `apply`: once, it asks the API server for that owner; raises OwnerGoneError without it."""
        return OwnerCheck(self._client, resource, key, uid)

    def settled(self, key: ObjectKey) -> bool:
        """Return whether all children of this name are correct, each seen by a reconciliation in its latest version."""
        return all(
            cache.version(key) == (None if verdict is None else verdict.version)
            for cache, verdict in ((self._caches[kind], known.get(key)) for kind, known in self._verdicts.items())
        )

    def correct(self, key: ObjectKey) -> bool:
        """Return whether all children of this name are as they were last desired, whatever their statuses are."""
        return all(self._is_correct(resource, key) for resource in self._verdicts)

    def _is_known_good(self, resource: Resource, key: ObjectKey, wanted: JsonObject) -> bool:
        """Return whether the object was compared with this desired state since it last changed."""
        verdict = self._verdicts[resource].get(key)
        return verdict is not None and verdict.digest == _digest_of(wanted) and self._is_correct(resource, key)

    def _is_correct(self, resource: Resource, key: ObjectKey) -> bool:
        """Return whether the object was compared since it last changed, or whether it neither exists nor is desired."""
        verdict, cache = self._verdicts[resource].get(key), self._caches[resource]
        since, version = cache.unchanged_since(key), cache.version(key)
        if verdict is None or since is None or version is None or verdict.version is None:
            return verdict is None and version is None
        if not since <= verdict.version <= version:
            return False
        self._verdicts[resource][key] = verdict._replace(version=version)
        return True

    def _deviation(self, resource: Resource, key: ObjectKey, wanted: JsonObject, live: JsonObject) -> str | None:
        """Return where `live` needs a write; None, and remember that, if it needs none.

        Raises NameConflictError or BeingDeletedError if the object is not managed by this owner.
        """
        _refuse_what_is_not_ours(wanted, live)
        verdicts, digest = self._verdicts[resource], _digest_of(wanted)
        _, version = identity(live)
        path = self._difference(wanted, live)
        if path is None:
            self._accept(resource, key, wanted, version)
            return None
        verdict = verdicts.get(key)
        if verdict is None or verdict.digest != digest or verdict.fingerprint != fingerprint(live):
            return path
        verdicts[key] = verdict._replace(version=version)
        return None

    async def _create(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, check_owner: Check | None
    ) -> Outcome:
        if check_owner is not None:
            await check_owner()
        verdict = self._verdicts[resource].get(key)
        self._keep(resource, key, wanted, await self._client.create(resource, wanted))
        if verdict is not None and verdict.digest == _digest_of(wanted):
            self._tell_reverted(wanted, None)
        return Outcome.CREATED

    async def _existing(self, resource: Resource, key: ObjectKey, wanted: JsonObject) -> OutdatedError:
        live = await self._client.get(resource, key)
        _refuse_what_is_not_ours(wanted, live)
        return OutdatedError(resource.kind, key, live)

    async def _correct(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, version: str | None, check_owner: Check | None
    ) -> Outcome:
        """Write what differs from the stored object, since the cache may be behind."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._correct_once(resource, key, wanted, version, check_owner)
            except (OutdatedError, OwnerGoneError):
                raise
            except ApiError as error:
                if attempt == _ATTEMPTS or not _lost_a_race(error):
                    raise
                await asyncio.sleep(random.uniform(0.5, 1.0) * _PAUSE * attempt)  # noqa: S311
        raise AssertionError  # the loop returns or raises

    async def _correct_once(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, version: str | None, check_owner: Check | None
    ) -> Outcome:
        live = await self._client.find(resource, key)
        if live is None:
            self._caches[resource].remove(key)
            return await self._create(resource, key, wanted, check_owner)
        # An unmanaged object lacks our label, so no watch would report its deletion: it must not get into the cache.
        _refuse_what_is_not_ours(wanted, live)
        self._caches[resource].put(live)
        path = self._deviation(resource, key, wanted, live)
        if path is None:
            return Outcome.UNCHANGED
        if version is not None and live["metadata"]["resourceVersion"] != version:
            raise OutdatedError(resource.kind, key, live)
        logger.info("%s %s is corrected: it differs at %s", resource.kind, key, path)
        drifted = not _is_for_another_wish(wanted, live)
        if live.get("immutable"):  # a ConfigMap or Secret that cannot be changed any more
            await self._client.delete(resource, key, uid=live["metadata"]["uid"])
            self._forget(resource, key)
            outcome = await self._create(resource, key, wanted, check_owner)
            if drifted:
                self._tell_reverted(wanted, path)
            return outcome
        # If the desired state has changed, seeming additions may be fields that the operator wrote before, which the
        # apply removes, so that pods roll only once. But an admission policy may reject the apply because of them, so
        # they are then removed first.
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
        """Record an Event that somebody else had changed the object at `path`, or deleted it (None)."""
        event = drift_reverted(wanted, path, time=timestamp(datetime.now(UTC)))
        self._record(owner_reference(wanted), (event,))

    async def _write(
        self, resource: Resource, key: ObjectKey, wanted: JsonObject, live: JsonObject, added: Sequence[Guarded]
    ) -> JsonObject:
        """Revert the parts that others extended, then apply; return the object as stored.

        Raises ApiError 409 if it has changed since it was read: another writer may have corrected it already.
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
            # Another writer, such as the controller that writes the status, was faster. If the patch alone has
            # corrected everything, this was the correction: another attempt would find nothing to correct.
            stored = await self._client.find(resource, key)
            if stored is None or stored["metadata"]["uid"] != identified["uid"] or self._difference(wanted, stored):
                raise
            return stored

    def _difference(self, wanted: JsonObject, live: JsonObject) -> str | None:
        """Return the path of the first difference: a missing or changed field, else a disallowed addition."""
        path = difference(wanted, live)
        if path is not None:
            return path
        return next((added for part in additions(wanted, live, self._injectors) for added in part.added), None)

    async def _apply(self, resource: Resource, key: ObjectKey, wanted: JsonObject) -> JsonObject:
        """Apply the object; if that is rejected, write whole lists instead of single items.

        A list is merged by a key that somebody may have changed, such as a port's number: the applied item is then
        added to the changed one, and the API server rejects two ports of the same name.
        """
        try:
            return await self._client.apply(resource, wanted)
        except ApiError as error:
            if error.status != 422 or _lost_a_race(error):
                raise
            return await self._client.patch(resource, key, wanted)

    def _keep(self, resource: Resource, key: ObjectKey, wanted: JsonObject, answer: JsonObject) -> None:
        """Store the response to a write, and accept it as correct even if the API server changed it."""
        self._caches[resource].put(answer)
        self._contention.corrected(resource, key, _digest_of(wanted))
        _, version = identity(answer)
        path = self._difference(wanted, answer)
        if path is None:
            self._accept(resource, key, wanted, version)
            return
        logger.warning("%s %s: the API server does not keep %s as it was written", resource.kind, key, path)
        self._verdicts[resource][key] = _Verdict(_digest_of(wanted), version, fingerprint(answer))

    def _accept(self, resource: Resource, key: ObjectKey, wanted: JsonObject, version: int) -> None:
        """Remember that the object is correct in this version, and keep no more of it than decisions need.

        1000 environments take 6 MB less. What is written later is compared with the stored object, as every correction.
        """
        self._verdicts[resource][key] = _Verdict(_digest_of(wanted), version)
        if controller(wanted).get("kind") == DEPLOYMENT_ENVIRONMENTS.kind:  # others are read again (`read`)
            self._caches[resource].condense(key, version)

    def _forget(self, resource: Resource, key: ObjectKey) -> None:
        self._caches[resource].remove(key)
        self._verdicts[resource].pop(key, None)


def with_digest(desired: JsonObject) -> JsonObject:
    """Return the object with an annotation that holds its own digest."""
    digest = hashlib.blake2b(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    metadata = desired["metadata"]
    annotations = {**(metadata.get("annotations") or {}), DESIRED_ANNOTATION: digest}
    # The digest comes last, so that the first difference that is found and logged is a meaningful one.
    rest = {name: value for name, value in desired.items() if name != "metadata"}
    return {**rest, "metadata": {**metadata, "annotations": annotations}}


def was_last_written_as(wanted: JsonObject, live: JsonObject) -> bool:
    """Return whether `live` was last written as `wanted`, which carries its digest; it may have been edited since."""
    return (live["metadata"].get("annotations") or {}).get(DESIRED_ANNOTATION) == _digest_of(wanted)


def _is_for_another_wish(wanted: JsonObject, live: JsonObject) -> bool:
    """Return whether `live` was last written with another desired state; without a digest, somebody has edited it."""
    digest = (live["metadata"].get("annotations") or {}).get(DESIRED_ANNOTATION)
    return digest is not None and digest != _digest_of(wanted)


def _replacements(live: JsonObject, parts: Sequence[Guarded]) -> list[JsonObject]:
    """Return JSON patch operations that revert the guarded parts: an apply cannot remove what another manager owns.

    The patch fails with 409 if the object has changed since it was read.
    """
    if not parts:
        return []
    replacements = [{"op": "replace", "path": "/" + "/".join(part.path), "value": part.value} for part in parts]
    version = live["metadata"]["resourceVersion"]
    unchanged = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
    return [*replacements, unchanged]


def fingerprint(live: JsonObject) -> bytes:
    """Return a digest of the object without its status and fields that change with every write."""
    metadata = {name: value for name, value in live["metadata"].items() if name not in _VOLATILE_METADATA}
    lasting = {name: value for name, value in live.items() if name != "status"} | {"metadata": metadata}
    return hashlib.blake2b(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _digest_of(wanted: JsonObject) -> str:
    digest: str = wanted["metadata"]["annotations"][DESIRED_ANNOTATION]
    return digest


def _refuse_what_is_not_ours(wanted: JsonObject, live: JsonObject) -> None:
    """Check that `live` is controlled by the same owner as `wanted`. Raises NameConflictError or BeingDeletedError."""
    owner, actual = controller(wanted), controller(live)
    key, _ = identity(wanted)
    if actual.get("uid") != owner["uid"]:
        former = _name_of(actual) == _name_of(owner)
        if not former:
            raise NameConflictError(
                wanted["kind"], key, f"{actual.get('kind')}/{actual.get('name')}" if actual else None
            )
        raise BeingDeletedError(wanted["kind"], key)
    if live["metadata"].get("deletionTimestamp"):
        raise BeingDeletedError(wanted["kind"], key)


def _name_of(reference: JsonObject) -> tuple[str, ...]:
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    return group, str(reference.get("kind")), str(reference.get("name"))


def _lost_a_race(error: ApiError) -> bool:
    """Return whether another writer was faster: it changed, deleted or replaced the object."""
    return error.status in (404, 409) or (error.status == 422 and "metadata.uid" in error.message)
