"""Detection of fields that others added to guarded parts of a child, and the child without them.

`drift` checks that each desired field is present. This module checks the opposite where an additional field would let
other code answer as the environment, or let others read its traffic: in the pod spec, and in what decides where traffic
goes. The guarded parts are closed: a field that is not desired is removed, unless it is listed here as free, is the
default that the API server fills in, or belongs to an injector that is allowed by name. Fields added by future versions
of Kubernetes are therefore guarded, too. Defaults are those of the API types of Kubernetes 1.36
(k8s.io/kubernetes/pkg/apis/*/v1/defaults.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.list_types import Keys
from rasa_environments.judge.drift import EXACT, LISTS_BY_KIND, METADATA_LISTS, item_key

Path = tuple[str, ...]

_POD: Final = "pod"
_GUARDED: Final[Mapping[str, tuple[Path, ...]]] = {
    "ConfigMap": (("data",), ("binaryData",)),
    "Deployment": (("spec",),),
    "HorizontalPodAutoscaler": (("spec",),),
    "Ingress": (("spec",),),
    "NetworkPolicy": (("spec",),),
    "PodDisruptionBudget": (("spec",),),
    "Secret": (("data",),),
    "Service": (("spec",),),
}
"""The guarded parts of each kind. A ServiceAccount has none: OpenShift adds the names of its own Secrets."""

_SCHEDULING: Final = frozenset(
    {"affinity", "nodeSelector", "overhead", "preemptionPolicy", "priority", "priorityClassName", "resources",
     "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints"}
)  # fmt: skip
_CONTAINER: Final = frozenset(
    {"imagePullPolicy", "resizePolicy", "resources", "terminationMessagePath", "terminationMessagePolicy"}
)
_FREE: Final[Mapping[str, frozenset[str]]] = {
    # Not `paused`: pods of a reverted template would keep running.
    "Deployment": frozenset(
        {"minReadySeconds", "progressDeadlineSeconds", "replicas", "revisionHistoryLimit", "selector", "strategy"}
    ),
    "template": frozenset({"metadata"}),
    # serviceAccount is an alias that the API server keeps equal to serviceAccountName.
    _POD: _SCHEDULING | {"serviceAccount"},
    "containers": _CONTAINER,
    "initContainers": _CONTAINER,
    "image": frozenset({"pullPolicy"}),
    "Service": frozenset(
        {"allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs", "externalTrafficPolicy", "healthCheckNodePort",
         "internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP",
         "loadBalancerSourceRanges", "sessionAffinity", "sessionAffinityConfig", "trafficDistribution"}
    ),
    "ports": frozenset({"appProtocol", "nodePort"}),
    "Ingress": frozenset({"ingressClassName"}),
}  # fmt: skip
"""What others may add, by place (kind, or name of a field or list): it neither runs code nor redirects traffic."""

_PROBE: Final[JsonObject] = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_FILES: Final[JsonObject] = {"defaultMode": 0o644}
_DEFAULTS: Final[Mapping[str, JsonObject]] = {
    _POD: {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
    },
    "ports": {"protocol": "TCP"},
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "httpGet": {"path": "/", "scheme": "HTTP"},
    "grpc": {"service": ""},
    "fieldRef": {"apiVersion": "v1"},
    "resourceFieldRef": {"divisor": "0"},
    "configMap": _FILES,
    "secret": _FILES,
    "downwardAPI": _FILES,
    "projected": _FILES,
    "serviceAccountToken": {"expirationSeconds": 3600},
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False},
    "volumeClaimTemplate": {"metadata": {}},
    "spec": {"resources": {}, "volumeMode": "Filesystem"},  # of a volumeClaimTemplate
}
"""Defaults that the API server fills in, by place."""

_FREE_ITEMS: Final = frozenset({("Service", "ports")})
"""Lists that others may extend: a port of a Service leads only to the pods that its selector matches."""
_INJECTED_BY_NAME: Final = frozenset({"containers", "env", "initContainers", "volumeMounts", "volumes"})


@dataclass(frozen=True)
class Injectors:
    """Names of what injectors may add to pod templates: shell patterns of containers, volumes and variables."""

    names: tuple[str, ...] = ()

    def allow(self, name: object) -> bool:
        """Return whether one of the patterns matches."""
        return any(fnmatchcase(str(name), pattern) for pattern in self.names)


NO_INJECTORS: Final = Injectors()


@dataclass(frozen=True)
class Guarded:
    """A guarded part of a live object that others have extended."""

    path: Path
    """Path of the part in the object."""
    value: Any
    """The correct value: what is desired, and what others may add."""
    added: tuple[str, ...]
    """Paths of disallowed additions, for example `spec.template.spec.hostAliases`; never a value."""


def additions(desired: JsonObject, live: JsonObject, injectors: Injectors = NO_INJECTORS) -> tuple[Guarded, ...]:
    """Return the guarded parts of `live` that have disallowed additions."""
    kind = str(desired.get("kind", ""))
    found = []
    for path in _GUARDED.get(kind, ()):
        there = _at(live, path)
        wanted = _at(desired, path) or {}
        if there == wanted or not isinstance(there, dict) or "stringData" in desired:  # of which `data` is made
            continue
        part = _Part(kind, injectors)
        value = part.mapping(kind, wanted, there, ".".join(path))
        if part.added:
            found.append(Guarded(path, value, tuple(part.added)))
    return tuple(found)


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


class _Part:
    """Merges desired and live values into the correct value, and records what is left out."""

    def __init__(self, kind: str, injectors: Injectors) -> None:
        self._kind = kind
        self._lists = LISTS_BY_KIND.get(kind, METADATA_LISTS)
        self._injectors = injectors
        self.added: list[str] = []

    def mapping(self, place: str, desired: Mapping[str, Any], live: Mapping[str, Any], path: str) -> JsonObject:
        """Return the correct value of a map."""
        free, defaults = _FREE.get(place, frozenset()), _DEFAULTS.get(place, {})
        result: JsonObject = {}
        for name, there in live.items():
            if desired.get(name) is not None:
                continue
            if there is None or name in free or (name in defaults and _same(defaults[name], there)):
                result[name] = there
            elif isinstance(there, list) and name in _INJECTED_BY_NAME:
                result |= self._injected(name, there, f"{path}.{name}")
            else:
                self.added.append(f"{path}.{name}")
        for name, wanted in desired.items():
            if wanted is not None:
                there, inner = live.get(name), f"{path}.{name}"
                if name in free:
                    result[name] = _overlaid(name, wanted, there)
                elif place == "template" and isinstance(there, dict):
                    result[name] = self.mapping(_POD, wanted, there, inner)
                else:
                    result[name] = self._value(name, wanted, there, inner)
        return result

    def _value(self, name: str, desired: Any, live: Any, path: str) -> Any:
        if desired == live:
            return desired  # as most are, which takes a tenth of looking into them
        if isinstance(desired, dict) and isinstance(live, dict) and name not in EXACT:
            return self.mapping(name, desired, live, path)
        if isinstance(desired, list) and isinstance(live, list):
            keys = self._lists.get(name)
            if keys:
                return self._keyed(name, desired, live, keys, path)
            if len(desired) == len(live):
                pairs = enumerate(zip(desired, live, strict=True))
                return [self._value(name, item, there, f"{path}[{index}]") for index, (item, there) in pairs]
        return desired

    def _injected(self, name: str, live: Sequence[Any], path: str) -> JsonObject:
        """Return those items of an undesired list that injectors may add."""
        kept = self._keyed(name, (), live, self._lists.get(name) or ("name",), path)
        return {name: kept} if kept else {}

    def _keyed(self, name: str, desired: Sequence[Any], live: Sequence[Any], keys: Keys, path: str) -> list[Any]:
        """Return a keyed list in its live order, which matters for init containers, followed by missing items."""
        missing = {_key(item, keys): item for item in desired}
        seen = set()
        result = []
        for there in live:
            key = _key(there, keys)
            place = f"{path}[{'/'.join(map(str, key))}]"
            if key in missing:
                result.append(self._value(name, missing.pop(key), there, place))
            elif key not in seen and self._may_be_added(name, there):
                result.append(there)
            else:
                self.added.append(place)
            seen.add(key)
        return [*result, *missing.values()]

    def _may_be_added(self, name: str, item: Any) -> bool:
        if (self._kind, name) in _FREE_ITEMS:
            return True
        return name in _INJECTED_BY_NAME and isinstance(item, dict) and self._injectors.allow(item.get("name"))


def _key(item: Any, keys: Keys) -> tuple[str | int, ...]:
    """Return the key of an item; for an item of unexpected shape, a key that no desired item has."""
    return tuple(part if isinstance(part, str | int) else type(part).__name__ for part in item_key(item, keys))


def _overlaid(name: str, desired: Any, live: Any) -> Any:
    """Return a free field: the desired value merged over the live one."""
    if isinstance(desired, dict) and isinstance(live, dict) and name not in EXACT:
        return {**live, **{key: _overlaid(key, value, live.get(key)) for key, value in desired.items()}}
    return desired


def _same(default: Any, live: Any) -> bool:
    if isinstance(live, dict):  # API servers before 1.33 show an absent time as null: {"creationTimestamp": null}
        live = {name: value for name, value in live.items() if value is not None}
    return type(default) is type(live) and bool(default == live)
