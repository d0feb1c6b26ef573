"""Parts of pods that charts take as Kubernetes has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import text_of
from rasa_environments.api.base import JsonObject

CONTAINER = "rasa"
"""The container of the Rasa server in the operator's pods."""
SWITCH = "enabled"
"""The key of a mapping that the charts' templates take out, before they write the rest into the pod."""
OF_A_POD = frozenset(
    {
        "appArmorProfile",
        "fsGroup",
        "fsGroupChangePolicy",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxChangePolicy",
        "seLinuxOptions",
        "seccompProfile",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "sysctls",
        "windowsOptions",
    }
)
"""Fields of a pod's securityContext (API reference: PodSecurityContext)."""
OF_A_CONTAINER = frozenset(
    {
        "allowPrivilegeEscalation",
        "appArmorProfile",
        "capabilities",
        "privileged",
        "procMount",
        "readOnlyRootFilesystem",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxOptions",
        "seccompProfile",
        "windowsOptions",
    }
)
"""Fields of a container's securityContext (API reference: SecurityContext)."""
DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")


def pod_security_context(reader: Reader, place: Path) -> JsonObject | None:
    """Return a pod's securityContext, as far as the file sets it; None if its switch is off."""
    return _security_context(reader, place, OF_A_POD, "a pod")


def container_security_context(reader: Reader, place: Path) -> JsonObject | None:
    """Return a container's securityContext, as far as the file sets it; None if its switch is off."""
    return _security_context(reader, place, OF_A_CONTAINER, "a container")


def _security_context(reader: Reader, place: Path, fields: frozenset[str], owner: str) -> JsonObject | None:
    given = reader.take(place, kinds.MAPPING) or {}
    if given.get(SWITCH) is False:
        reader.unused(place, f"{SWITCH} is false: the chart writes no securityContext")
        return None
    reader.unused((*place, SWITCH), "a switch of the chart, which its template takes out")
    if text_of(given.get("runAsUser")) == "0" or given.get("runAsNonRoot") is False:
        reader.refuse(place, "the pods must not run as root (Pod Security level restricted)")
        return None
    for name in given.keys() - fields - {SWITCH}:
        reader.refuse(
            (*place, name), f"the securityContext of {owner} has no such field, and the API server refuses it"
        )
    return {name: value for name, value in given.items() if name in fields and value is not None} or None


def dns_policy(reader: Reader) -> str | None:
    """Return the pods' dnsPolicy; with hostNetwork the charts write ClusterFirstWithHostNet if none is set."""
    policy = reader.take("dnsPolicy", kinds.TEXT)
    if policy is not None and policy not in DNS_POLICIES:
        reader.refuse("dnsPolicy", f"it must be one of {', '.join(DNS_POLICIES)}")
        return None
    if policy is None and reader.take("hostNetwork", kinds.FLAG):
        return "ClusterFirstWithHostNet"
    return policy


def additional_containers(reader: Reader, place: Path) -> list[JsonObject]:
    """Return containers beside the Rasa server."""
    items = named_items(reader, place, "name")
    if any(item["name"] == CONTAINER for item in items):
        reader.partly(
            place, f"carried over without the container {CONTAINER}, as the Rasa server's is called: rename it"
        )
    return [dict(item) for item in items if item["name"] != CONTAINER]


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings in a list; none if it is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def named_items(reader: Reader, place: Path, key: str) -> Sequence[Mapping[str, Any]]:
    """Return a list whose items are identified by a key, as the operator merges it."""
    items = reader.take(place, kinds.OBJECTS) or []
    if not all(isinstance(item.get(key), str) for item in items):
        reader.refuse(place, f"each item must have {key}")
        return []
    return [item for index, item in enumerate(items) if item[key] not in {other[key] for other in items[:index]}]
