"""A partial pod template laid over a whole one, lists by their merge keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError

MERGE_KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
}
"""`patchMergeKey` of the lists in a pod template (API reference: PodSpec, Container); other lists are replaced."""
ONE_VALUE_LISTS = frozenset({"env", "volumes"})
"""Lists whose items are one value each: an item of the same name replaces, it does not mix `value` with `valueFrom`."""


def merge_pod_template(template: Mapping[str, Any], partial: Mapping[str, Any]) -> JsonObject:
    """The whole template with the partial one laid on it. A null removes what is below it.

    Raises SpecError where a list item lacks its key, or one side is a list or mapping and the other is not.
    """
    return _merge_mappings(template, partial, "spec.podTemplate", keep_nulls=False)


def combine_pod_templates(*partials: Mapping[str, Any]) -> JsonObject:
    """One partial template that does what these do one after the other, their nulls included.

    Raises SpecError as merge_pod_template does.
    """
    result: JsonObject = {}
    for partial in partials:
        result = _merge_mappings(result, partial, "spec.podTemplate", keep_nulls=True)
    return result


def _merge_mappings(under: Mapping[str, Any], over: Mapping[str, Any], path: str, *, keep_nulls: bool) -> JsonObject:
    result = dict(under)
    for key, value in over.items():
        place = f"{path}.{key}"
        below = result.get(key)
        if value is None:
            result.pop(key, None)
            if keep_nulls:
                result[key] = None
        elif key in MERGE_KEYS:
            items = _items(below or [], place), _items(value, place)
            result[key] = _merge_lists(key, *items, place, keep_nulls=keep_nulls)
        elif isinstance(below, Mapping):
            if not isinstance(value, Mapping):
                raise SpecError(f"{place} must be a mapping, not {_described(value)}")
            result[key] = _merge_mappings(below, value, place, keep_nulls=keep_nulls)
        elif isinstance(value, Mapping):
            result[key] = _merge_mappings({}, value, place, keep_nulls=keep_nulls)
        else:
            result[key] = value
    return result


def _merge_lists(
    name: str, under: Sequence[JsonObject], over: Sequence[JsonObject], path: str, *, keep_nulls: bool
) -> list[JsonObject]:
    merge_key = MERGE_KEYS[name]
    merged: dict[Any, JsonObject] = {_identity(item, merge_key, f"{path}[{i}]"): item for i, item in enumerate(under)}
    for index, item in enumerate(over):
        place = f"{path}[{index}]"
        identity = _identity(item, merge_key, place)
        below = {} if name in ONE_VALUE_LISTS else merged.get(identity, {})
        merged[identity] = _merge_mappings(below, item, place, keep_nulls=keep_nulls)
    return list(merged.values())


def _items(value: Any, path: str) -> list[JsonObject]:
    if not isinstance(value, list):
        raise SpecError(f"{path} must be a list, not {_described(value)}")
    for index, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise SpecError(f"{path}[{index}] must be a mapping, not {_described(item)}")
    return value


def _identity(item: Mapping[str, Any], merge_key: str, path: str) -> Any:
    identity = item.get(merge_key)
    if not isinstance(identity, (str, int)):
        hint = (
            "; the Rasa server's container is called rasa"
            if path.rsplit(".", maxsplit=1)[-1].startswith("containers[")
            else ""
        )
        raise SpecError(f"{path} has no {merge_key}, so it is not known what to merge it with{hint}")
    return identity


def _described(value: object) -> str:
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)
