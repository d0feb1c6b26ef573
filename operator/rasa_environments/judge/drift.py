"""Drift detection: compares the desired object with the live one.

The comparison is one-way. Each desired field must be present with its value; what others added (defaults of the API
server, an autoscaler's replicas, foreign labels) is ignored here, and checked by `additions` where it matters. Which
lists are keyed, which maps and selectors are exact, and which fields are quantities follows the `x-kubernetes-*`
extensions in the OpenAPI document of Kubernetes 1.36.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.list_types import POD_LIST_KEYS, Keys

METADATA_LISTS: Final[Mapping[str, Keys]] = {"ownerReferences": ("uid",), "finalizers": ()}
_POD_LISTS: Final[Mapping[str, Keys]] = {**POD_LIST_KEYS, **METADATA_LISTS}
LISTS_BY_KIND: Final[Mapping[str, Mapping[str, Keys]]] = {
    "Deployment": _POD_LISTS,
    "Pod": _POD_LISTS,
    "Service": {"ports": ("port", "protocol"), **METADATA_LISTS},
    "ServiceAccount": {"secrets": ("name",), **METADATA_LISTS},
}
"""Lists that the API server merges by key, in any order; a set has no key. All others are atomic."""

_KEY_DEFAULTS: Final[Mapping[str, str]] = {"protocol": "TCP"}

EXACT: Final = frozenset({"selector", "podSelector", "namespaceSelector", "labelSelector", "nodeSelector"})
"""Maps that are compared exactly: an extra label selects something else, and an empty map differs from an absent
one."""

_PRESENT_WHEN_EMPTY: Final = frozenset({"emptyDir"})
"""Fields whose presence selects one of several alternatives, so an empty value differs from an absent one."""

_ZERO_IS_ABSENT: Final = frozenset(
    {
        "healthCheckNodePort",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostPort",
        "initialDelaySeconds",
        "minReadySeconds",
        "nodePort",
        "paused",
        "publishNotReadyAddresses",
        "readOnly",
        "stdin",
        "stdinOnce",
        "tty",
    }
)
"""Fields that the API server omits if they are false or 0 (`omitempty` without a pointer in k8s.io/api)."""

_QUANTITY_MAPS: Final = frozenset({"limits", "requests", "overhead"})
_QUANTITIES: Final = frozenset({"sizeLimit", "divisor"})
_QUANTITIES_BY_KIND: Final[Mapping[str, frozenset[str]]] = {
    "HorizontalPodAutoscaler": frozenset({"averageValue", "value", "tolerance"}),
}

_NOT_COMPARED: Final = frozenset({"status", "apiVersion", "kind"})


def difference(desired: JsonObject, live: JsonObject) -> str | None:
    """Return the path of the first difference, as `spec.template.spec.containers[rasa].image`, or None.

    The result contains the path only, never a value, so it can be logged for a Secret. `status` is not compared.
    """
    comparison = _Comparison(str(desired.get("kind", "")))
    for name, wanted in desired.items():
        if name not in _NOT_COMPARED:
            path = comparison.field(name, wanted, live.get(name))
            if path is not None:
                return path
    return None


class _Comparison:
    """The rules of one kind. Each method returns the path of the first difference below it, or None."""

    def __init__(self, kind: str) -> None:
        self._lists = LISTS_BY_KIND.get(kind, METADATA_LISTS)
        self._quantities = _QUANTITIES | _QUANTITIES_BY_KIND.get(kind, frozenset())

    def field(self, name: str, wanted: Any, live: Any) -> str | None:
        """Compare a field of a map."""
        if wanted is None or (wanted == live and type(wanted) is type(live)):
            return None
        if name in EXACT:
            return None if _without_empty(wanted) == _without_empty(live) else name
        if live is None:
            return None if self._may_be_absent(name, wanted) else name
        return self._present(name, wanted, live)

    def _present(self, name: str, wanted: Any, live: Any) -> str | None:
        if isinstance(wanted, dict):
            return self._map(name, wanted, live)
        if isinstance(wanted, list):
            return self._list(name, wanted, live)
        same = _same_scalar(wanted, live) or (name in self._quantities and _same_quantity(wanted, live))
        return None if same else name

    def _may_be_absent(self, name: str, wanted: Any) -> bool:
        if name in _PRESENT_WHEN_EMPTY or name in EXACT:
            return wanted is None
        if name in _ZERO_IS_ABSENT:
            return not wanted
        if isinstance(wanted, dict):
            return all(self._may_be_absent(inner, value) for inner, value in wanted.items())
        return wanted is None or wanted in ("", [])

    def _map(self, name: str, wanted: Mapping[str, Any], live: Any) -> str | None:
        if not isinstance(live, dict):
            return name
        quantities = name in _QUANTITY_MAPS
        for inner, value in wanted.items():
            there = live.get(inner)
            if quantities and there is not None and _same_quantity(value, there):
                continue
            path = self.field(inner, value, there)
            if path is not None:
                return f"{name}.{path}"
        return None

    def _list(self, name: str, wanted: Sequence[Any], live: Any) -> str | None:
        if not isinstance(live, list):
            return name
        keys = self._lists.get(name)
        if keys is None:
            return self._atomic(name, wanted, live)
        if not keys:
            return None if all(item in live for item in wanted) else name
        return self._keyed(name, wanted, live, keys)

    def _atomic(self, name: str, wanted: Sequence[Any], live: Sequence[Any]) -> str | None:
        if len(wanted) != len(live):
            return name
        for index, (item, there) in enumerate(zip(wanted, live, strict=True)):
            path = self.field(f"[{index}]", item, there)
            if path is not None:
                return name + path
        return None

    def _keyed(self, name: str, wanted: Sequence[Any], live: Sequence[Any], keys: Keys) -> str | None:
        by_key = {item_key(item, keys): item for item in live}
        for item in wanted:
            key = item_key(item, keys)
            path = self.field(f"[{'/'.join(map(str, key))}]", item, by_key.get(key))
            if path is not None:
                return name + path
        return None


def item_key(item: Any, keys: Keys) -> tuple[Any, ...]:
    """Return the key that identifies an item of a keyed list."""
    if not isinstance(item, dict):
        return (item,)
    return tuple([item.get(key, _KEY_DEFAULTS.get(key)) for key in keys])


def _without_empty(value: Any) -> Any:
    """Return the value without nulls, empty maps and empty lists, which the API server does not store in a selector."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if inner is not None and inner not in ({}, [])}


def _same_scalar(wanted: Any, live: Any) -> bool:
    """Return whether two scalars are equal; a number equals its text, as in an int-or-string field."""
    if isinstance(wanted, bool) or isinstance(live, bool):
        return wanted is live
    if isinstance(wanted, int | float) and isinstance(live, str):
        return str(wanted) == live
    if isinstance(wanted, str) and isinstance(live, int | float):
        return wanted == str(live)
    return bool(wanted == live)


_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?")
_SCALE: Final[Mapping[str, Decimal]] = {
    **{suffix: Decimal(1000) ** power for power, suffix in zip(range(-3, 0), "num", strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def _same_quantity(wanted: Any, live: Any) -> bool:
    left, right = quantity(str(wanted)), quantity(str(live))
    return left is not None and left == right


@lru_cache(maxsize=1024)
def quantity(text: str) -> Decimal | None:
    """Return the value of a Kubernetes quantity (`100m`, `1.5Gi`, `1e3`), or None if it is not one.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, suffix, exponent = match.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * _SCALE[suffix] if suffix else Decimal(number)
