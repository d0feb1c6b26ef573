"""Parts of pods that charts take as Kubernetes has them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, looks_secret, text_of
from rasa_environments.api.base import JsonObject
from rasa_environments.desired.entries import present

CONTAINER = "rasa"
"""The container of the Rasa server in the operator's pods."""
SWITCH = "enabled"
"""The key of a mapping that the charts' templates take out, before they write the rest into the pod."""
AS_ROOT = {"runAsUser": "0", "runAsNonRoot": "false"}
"""Settings of a securityContext by which containers run as root."""
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
SELECTOR_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance")
"""Labels by which the environment's Service selects pods."""
WORDS = ("command", "args")
"""Fields of a container that are words of a command line."""
SECRET_IN_SCRIPT = re.compile(r"bearer\s|(pass(word|wd)?|token|secret|api_?key)\s*[=:]", re.IGNORECASE)
"""What a script has before a secret."""
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
    as_root = {name for name, value in AS_ROOT.items() if text_of(given.get(name)) == value}
    for name in as_root:
        reader.refuse((*place, name), "the pods must not run as root (Pod Security level restricted)")
    for name in given.keys() - fields - {SWITCH}:
        reader.refuse(
            (*place, name), f"the securityContext of {owner} has no such field, and the API server refuses it"
        )
    kept = fields - as_root
    return {name: value for name, value in given.items() if name in kept and value is not None} or None


def pod_labels(reader: Reader, place: Path) -> dict[str, str]:
    """Return labels of pods, without those by which the environment's Service selects them."""
    labels = reader.take(place, kinds.LABELS) or {}
    for name in (name for name in SELECTOR_LABELS if name in labels):
        reader.refuse((*place, name), "the operator's Service selects pods by it")
    return {name: value for name, value in labels.items() if name not in SELECTOR_LABELS}


def dns_policy(reader: Reader) -> str | None:
    """Return the pods' dnsPolicy; with hostNetwork the charts write ClusterFirstWithHostNet if none is set."""
    policy = reader.take("dnsPolicy", kinds.TEXT)
    if policy is not None and policy not in DNS_POLICIES:
        reader.refuse("dnsPolicy", f"it must be one of {', '.join(DNS_POLICIES)}")
        return None
    if policy is None and reader.take("hostNetwork", kinds.FLAG):
        return "ClusterFirstWithHostNet"
    return policy


def network_settings(reader: Reader) -> JsonObject:
    """Return the fields of a pod about its network, which the charts have once for all pods."""
    return present(
        hostNetwork=reader.take("hostNetwork", kinds.FLAG) or None,
        dnsPolicy=dns_policy(reader),
        dnsConfig=reader.take("dnsConfig", kinds.MAPPING) or None,
    )


def additional_containers(reader: Reader, secrets: SecretValues, place: Path, own: str = CONTAINER) -> list[JsonObject]:
    """Return containers beside the server's, which is called `own`."""
    items = containers(reader, secrets, place)
    if any(item["name"] == own for item in items):
        reader.partly(place, f"carried over without the container {own}, as the server's own is called: rename it")
    return [dict(item) for item in items if item["name"] != own]


def containers(reader: Reader, secrets: SecretValues, place: Path) -> list[JsonObject]:
    """Return containers of the file, with references instead of the secret values in their variables and arguments."""
    return [without_secrets(secrets, item, (*place, str(item["name"]))) for item in named_items(reader, place, "name")]


def without_secrets(secrets: SecretValues, container: Mapping[str, Any], place: Path) -> JsonObject:
    """Return a container with references instead of secret values; Kubernetes replaces `$(VARIABLE)` in its words."""
    made = dict(container)
    variables = [_variable(secrets, item, place) for item in mappings(container.get("env"))]
    for field in WORDS:
        words = container.get(field)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            continue
        made[field] = list(words)
        for index, word in enumerate(words):
            if _is_secret_word(words[index - 1] if index else "", word):
                name = f"{field.upper()}_{index}"
                variables.append({"name": name, "valueFrom": secrets.imported((*place, name), word)})
                made[field][index] = f"$({name})"
    return {**made, **({"env": variables} if variables else {})}


def _variable(secrets: SecretValues, item: Mapping[str, Any], place: Path) -> JsonObject:
    name, value = text_of(item.get("name")), item.get("value")
    if value in (None, "") or not looks_secret(name, text_of(value)):
        return dict(item)
    return {"name": name, "valueFrom": secrets.imported((*place, name), text_of(value))}


def _is_secret_word(before: str, word: str) -> bool:
    """Return whether a word holds a secret: `--password=x`, `x` after `--password`, or a script with one in it."""
    name, equals, value = word.partition("=")
    if word.startswith("-"):
        return bool(equals and value) and looks_secret(name, value)
    return looks_secret(before if before.startswith("-") else "", word) or SECRET_IN_SCRIPT.search(word) is not None


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
