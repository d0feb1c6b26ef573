"""Merging of a partial pod template into a complete one, lists by their merge keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.list_types import MERGE_KEYS

ONE_VALUE_LISTS = frozenset({"env", "volumes"})
"""Lists whose items are replaced as a whole by one of the same name, so `value` never mixes with `valueFrom`."""
PLACE = "spec.podTemplate"
DIRECTIVE = "$patch"


def merge_pod_template(template: Mapping[str, Any], partial: Mapping[str, Any], place: str = PLACE) -> JsonObject:
    """Return the complete template with the partial one, the field `place` of a spec, merged into it.

    `$patch: delete` in a map, or in an item beside its key, removes it; a null means nothing. Raises SpecError where a
    list item lacks its key, where types do not match, and for other directives of a strategic merge patch.
    """
    if _deletes(partial, place, ()):
        raise SpecError(f"{place} removes the whole pod: put $patch: delete into the part to remove")
    return _merge_maps(template, partial, place)


def _merge_maps(under: Mapping[str, Any], over: Mapping[str, Any], path: str) -> JsonObject:
    result = dict(under)
    for key, value in over.items():
        place = f"{path}.{key}"
        below = result.get(key)
        if value is None:
            continue
        if key in MERGE_KEYS:
            result[key] = _merge_lists(key, _items(below or [], place), _items(value, place), place)
        elif isinstance(value, Mapping):
            if _deletes(value, place, ()):
                result.pop(key, None)
            else:
                result[key] = _merge_maps(below if isinstance(below, Mapping) else {}, value, place)
        elif isinstance(below, Mapping):
            raise SpecError(f"{place} must be a map, not {_described(value)}")
        else:
            result[key] = _replacing(value, place)
    return result


def _merge_lists(name: str, under: Sequence[JsonObject], over: Sequence[JsonObject], path: str) -> list[JsonObject]:
    merge_key = MERGE_KEYS[name]
    merged: dict[Any, JsonObject] = {_identity(item, merge_key, f"{path}[{i}]"): item for i, item in enumerate(under)}
    for index, item in enumerate(over):
        place = f"{path}[{index}]"
        identity = _identity(item, merge_key, place)
        if _deletes(item, place, (merge_key,)):
            merged.pop(identity, None)
        else:
            below = {} if name in ONE_VALUE_LISTS else merged.get(identity, {})
            merged[identity] = _merge_maps(below, item, place)
    return list(merged.values())


def _deletes(value: Mapping[str, Any], place: str, beside: Sequence[str]) -> bool:
    """Return whether a map is to be removed. Raises SpecError for any other directive."""
    directives = [key for key in value if str(key).startswith("$")]
    if not directives:
        return False
    if directives != [DIRECTIVE] or value[DIRECTIVE] != "delete":
        raise SpecError(
            f"{place} has {directives[0]}: only $patch: delete is supported, in a map or beside an item's key"
        )
    others = [key for key in value if key != DIRECTIVE and key not in beside]
    if others:
        raise SpecError(f"{place} has {others[0]} beside $patch: delete, which removes it: leave one of them out")
    return True


def _replacing(value: Any, place: str) -> Any:
    """Return a value that replaces the one below it. Raises SpecError for a directive, which would have no effect."""
    if isinstance(value, list):
        return [_replacing(item, f"{place}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        if _deletes(value, place, tuple(value)):
            raise SpecError(
                f"{place} has $patch: delete, but its list is replaced as a whole: list only what should stay"
            )
        return _merge_maps({}, value, place)
    return value


def _items(value: Any, path: str) -> list[JsonObject]:
    if not isinstance(value, list):
        raise SpecError(f"{path} must be a list, not {_described(value)}")
    for index, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise SpecError(f"{path}[{index}] must be a map, not {_described(item)}")
    return value


def _identity(item: Mapping[str, Any], merge_key: str, path: str) -> Any:
    identity = item.get(merge_key)
    if not isinstance(identity, (str, int)):
        own = "the Rasa server's container is called rasa"
        if not path.startswith(PLACE):
            own = "the action server's container is called actions"
        hint = f"; {own}" if path.rsplit(".", maxsplit=1)[-1].startswith("containers[") else ""
        raise SpecError(f"{path} has no {merge_key}, so it cannot be merged{hint}")
    return identity


def _described(value: object) -> str:
    names = {
        str: "text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a map",
        type(None): "null",
    }
    return names.get(type(value), type(value).__name__)
