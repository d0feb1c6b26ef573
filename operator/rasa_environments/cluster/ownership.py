"""Field ownership (`metadata.managedFields`), and the migration from POST to server-side apply.

Fields written by POST belong to an `Update` manager, and an apply that omits them does not remove them. So before the
first apply that entry is turned into one of an `Apply` manager, as client-go's `util/csaupgrade` does.
"""

from __future__ import annotations

import copy
from typing import Final

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.client import FIELD_MANAGER

FieldPath = tuple[str, ...]

_SCALED_BY_OTHERS: Final[FieldPath] = ("spec", "replicas")


def fields_to_leave(desired: JsonObject) -> tuple[FieldPath, ...]:
    """Return fields that keep their value when no longer desired: the replicas, once an autoscaler sets them.

    An apply that simply omitted them would reset them to the default, 1.
    """
    scaled = desired.get("kind") == "Deployment" and desired["spec"].get("replicas") is None
    return (_SCALED_BY_OTHERS,) if scaled else ()


def migration(live: JsonObject, leave: tuple[FieldPath, ...] = ()) -> list[JsonObject] | None:
    """Return the JSON patch after which an apply owns, and can remove, all that the operator has written to `live`.

    Ownership of the fields in `leave` is given up, so that the apply does not touch them. None if there is nothing to
    do. The patch fails with 409 if the object has changed since it was read.
    """
    metadata = live["metadata"]
    before: list[JsonObject] = metadata.get("managedFields") or []
    after = _applied(copy.deepcopy(before))
    for entry in after:
        if _is_ours(entry):
            for path in leave:
                _remove(entry.get("fieldsV1") or {}, path)
    if after == before:
        return None
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": after},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]


def _applied(entries: list[JsonObject]) -> list[JsonObject]:
    """Return the entries with the operator's `Update` entries merged into its one `Apply` entry."""
    written = [entry for entry in entries if _is_ours(entry) and entry["operation"] == "Update"]
    if not written:
        return entries
    applied = next((entry for entry in entries if _is_ours(entry) and entry["operation"] == "Apply"), written[0])
    for entry in written:
        if entry is not applied and entry.get("apiVersion") == applied.get("apiVersion"):
            _merge(applied["fieldsV1"], entry["fieldsV1"])
    applied["operation"] = "Apply"
    return [entry for entry in entries if entry is applied or not any(entry is other for other in written)]


def _is_ours(entry: JsonObject) -> bool:
    return entry.get("manager") == FIELD_MANAGER and not entry.get("subresource")


def _merge(into: JsonObject, other: JsonObject) -> None:
    """Merge one set of fields into another (source: FieldsV1, structured-merge-diff)."""
    for name, inner in other.items():
        _merge(into.setdefault(name, {}), inner)


def _remove(fields: JsonObject, path: FieldPath) -> None:
    for part in path[:-1]:
        fields = fields.get(f"f:{part}", {})
    fields.pop(f"f:{path[-1]}", None)
