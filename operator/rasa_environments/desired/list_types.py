"""Which lists of a pod are merged by key, by the OpenAPI document of Kubernetes 1.36."""

from collections.abc import Mapping
from typing import Final

Keys = tuple[str, ...]

POD_LIST_KEYS: Final[Mapping[str, Keys]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "protocol"),
    "claims": ("name",),
    "resourceClaims": ("name",),
    "imagePullSecrets": ("name",),
    "schedulingGates": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""`x-kubernetes-list-map-keys`: what identifies an item of a list in a pod."""
MERGE_KEYS: Final[Mapping[str, str]] = {name: keys[0] for name, keys in POD_LIST_KEYS.items() if name != "claims"}
"""`x-kubernetes-patch-merge-key`: by what a pod template merges the items of a list; other lists are replaced."""
