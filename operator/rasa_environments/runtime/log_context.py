"""The reconciliation that a log line belongs to."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from rasa_environments.controller.queue import Request

Fields = Mapping[str, object]

_current: ContextVar[Fields] = ContextVar("reconciliation")
"""The fields of the reconciliation that runs in this task; tasks that it starts inherit them."""


@contextmanager
def reconciliation_of(request: Request) -> Iterator[None]:
    """Within the block, add the object and a new reconcile ID to each log line."""
    key = request.key
    fields = {
        "kind": request.kind.value,
        "namespace": key.namespace,
        "name": key.name,
        "reconcileID": str(uuid.uuid4()),
    }
    token = _current.set(fields)
    try:
        yield
    finally:
        _current.reset(token)


class ReconciliationFields(logging.Filter):
    """Adds the fields of the current reconciliation to each record; kopf's records name their own object."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields, and accept every record."""
        record.fields = {**_of_kopf(record), **_current.get({}), **_own(record)}
        return True


def _own(record: logging.LogRecord) -> Fields:
    fields: object = getattr(record, "fields", None)
    return fields if isinstance(fields, Mapping) else {}


def _of_kopf(record: logging.LogRecord) -> Fields:
    """Return what kopf attaches to a line about an object (`kopf._core.actions.loggers.ObjectLogger`)."""
    reference: object = getattr(record, "k8s_ref", None)
    if not isinstance(reference, Mapping):
        return {}
    return {name: reference[name] for name in ("kind", "namespace", "name") if name in reference}
