"""Status writes: one patch, only if the status changed, followed by Events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from rasa_environments.api.base import ApiModel, JsonObject, Metadata, Rejection
from rasa_environments.api.conditions import Condition
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import resource_of
from rasa_environments.domain.lister import Lister, server_of_resource
from rasa_environments.judge.conditions import merge_patch, overruled, transitioned
from rasa_environments.judge.events import Record, events_of, record_nothing, reference_to
from rasa_environments.judge.transitions import Transition, reports, transitions
from rasa_environments.judge.verdicts import rejected
from rasa_environments.reconcile.clock import utc_now
from rasa_environments.reconcile.ports import Status, StatusPatcher, T

logger = logging.getLogger(__name__)

_UNREADABLE: Final = object()


class Statuses:
    """Writes statuses by `api`; each write is stored in the lister, and its transitions are recorded as Events."""

    def __init__(
        self, api: StatusPatcher, lister: Lister, record: Record = record_nothing, now: Callable[[], str] = utc_now
    ) -> None:
        self._api = api
        self._lister = lister
        self._record = record
        self._now = now

    async def write(self, before: T, status: Status, conditions: Sequence[Condition]) -> T | None:
        """Write the differences to the object's status; return the object afterwards, None if there were none.

        Transitions of conditions are then logged, and recorded as Events. A rejected newer version of the object takes
        precedence over verdicts about the one in force. Raises ApiError as `patch` does.
        """
        time, rejection = self._now(), before.metadata.rejection
        generation = before.metadata.generation if rejection is None else rejection.generation
        current = conditions if rejection is None else overruled(conditions, rejected(rejection))
        stamped = transitioned(before.status.conditions, current, generation=generation, time=time)
        full = status.model_copy(update={"observed_generation": generation, "conditions": list(stamped)})
        written = await self._patch(before, full)
        if written is not None:
            log_transitions(transitions(before.status.conditions, stamped))
            events = events_of(before, written, time=time, server=server_of_resource(written))
            self._record(reference_to(written), events)
            self._lister.refresh(written)
        return written

    async def patch(self, before: T, status: Status) -> T | None:
        """Write the status as it is; return the object afterwards, None if nothing differed or it is gone.

        Raises ApiError 409 if the object has changed since it was read, since the status is based on that version.
        """
        written = await self._patch(before, status)
        if written is not None:
            self._lister.refresh(written)
        return written

    async def _patch(self, obj: T, status: Status) -> T | None:
        if status == obj.status and not obj.status.unreadable:
            return None  # as most reconciliations find, at a tenth of the cost of the patch
        patch = merge_patch(_stored(obj.status), _dumped(status))
        if not patch:
            return None
        resource, metadata = resource_of(type(obj).__name__), obj.metadata
        try:
            written = await self._api.patch_status(
                resource, metadata.key, patch, resource_version=str(metadata.latest_version), metadata_only=True
            )
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return obj.model_copy(update={"status": status, "metadata": _after(metadata, written)})


def log_transitions(changes: Sequence[Transition]) -> None:
    """Log one line for each reason, as a warning if something is wrong."""
    for report in reports(changes):
        cause = report.cause
        level = logging.WARNING if report.is_trouble else logging.INFO
        fields = {"conditions": report.conditions, "reason": cause.reason}
        logger.log(level, "%s: %s", cause.reason, cause.message, extra={"fields": fields})


def _after(metadata: Metadata, written: JsonObject) -> Metadata:
    """Return the metadata after a status write, which changes nothing but the version."""
    version = written["metadata"]["resourceVersion"]
    if metadata.rejection is None:
        return metadata.model_copy(update={"resource_version": version})
    rejection = metadata.rejection
    return metadata.model_copy(update={"rejection": Rejection(int(version), rejection.generation, rejection.message)})


def _stored(status: Status) -> JsonObject:
    """Return the stored status as far as known; an unreadable one may have anything in any field."""
    if status.unreadable:
        fields = ((name, field) for name, field in type(status).model_fields.items() if not field.exclude)
        return {field.alias or name: _UNREADABLE for name, field in fields}
    return _dumped(status)


def _dumped(status: ApiModel) -> JsonObject:
    return status.model_dump(by_alias=True, exclude_none=True)
