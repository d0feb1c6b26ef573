"""The end state without anything that differs from run to run, for comparison between runs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

import yaml

from rasa_environments.api.base import JsonObject
from tests.integration.space import CHILD_KINDS, OUR_KINDS, Objects

REVISION = "deployment.kubernetes.io/revision"
OF_THIS_OBJECT = frozenset(
    {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "observedGeneration"}
    | {REVISION, "clusterIP", "clusterIPs", "lastTransitionTime", "kubectl.kubernetes.io/last-applied-configuration"}
)
HEXADECIMAL = re.compile(r"\b[0-9a-f]{16,}\b")
PODS = re.compile(r"pod \S+-rasa-\S+ does not report its model: .*")
"""No Rasa runs in simulated pods; the result of asking one varies."""
POD = re.compile(r"-rasa-[0-9a-f]{5,10}-[0-9a-z]{5}\b")
"""The end of a pod's name: the ReplicaSet's hash, and what the API server makes up."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def end_state(space: Objects) -> JsonObject:
    """Return the custom resources with their status, and all children; of Secrets only the keys and how they relate."""
    found: JsonObject = {}
    for kind in (*OUR_KINDS, *CHILD_KINDS):
        for item in space.list(kind):
            name = item["metadata"]["name"]
            if kind in CHILD_KINDS:
                item.pop("status", None)
            if kind == "Secret":
                item["data"] = described_secret(item.get("data") or {})
            if not name.startswith(("kube-root-ca", "default")) or kind in OUR_KINDS:
                found[f"{kind}/{name}"] = comparable(item, space.namespace)
    return found


def described_secret(data: JsonObject) -> JsonObject:
    """Return the keys of a Secret, and the content if it is a list of environments."""
    described: JsonObject = dict.fromkeys(data, "a value")
    if "environments.yml" in data:
        environments = yaml.safe_load(base64.b64decode(data["environments.yml"]))["rasa"]
        described["environments.yml"] = {name: entry["url"] for name, entry in environments.items()}
    return described


def comparable(value: Any, namespace: str) -> Any:
    """Return the value without what is specific to one object, and with placeholders for what varies."""
    match value:
        case dict():
            kept = {name: comparable(entry, namespace) for name, entry in value.items() if name not in OF_THIS_OBJECT}
            return {name: entry for name, entry in kept.items() if entry not in ({}, [])}
        case list():
            return [comparable(entry, namespace) for entry in value]
        case str():
            for pattern, name in ((TIME, "TIME"), (PODS, "PODS"), (POD, "-rasa-POD"), (HEXADECIMAL, "HEX")):
                value = pattern.sub(name, value)
            return value.replace(namespace, "NAMESPACE")
    return value


def differences(wanted: Any, found: Any, path: str = "") -> Iterable[str]:
    """Return a readable difference of two states."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in sorted(wanted.keys() | found.keys()):
            yield from differences(wanted.get(name), found.get(name), f"{path}/{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(one, other, f"{path}/{number}")
    elif wanted != found:
        yield f"{path}: {wanted!r} without a crash, {found!r} after one"
