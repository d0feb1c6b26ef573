"""What a backup keeps of an object, and how the history of a tag is put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rasa_environments.api.base import API_VERSION, GROUP, JsonObject
from rasa_environments.api.model_tag import HistoryEntry
from rasa_environments.api.shapes import mapping, mappings, text

KEPT_OF_STATUS: Final = ("history", "rejected")
"""What is kept of the status of a ModelTag: nothing that lets a model through, such as a soak or a verification."""
_OF_ONE_OBJECT: Final = ("kubectl.kubernetes.io/last-applied-configuration",)
_WRITTEN_BY_OPERATOR: Final = ("environmentsFile",)


@dataclass(frozen=True, order=True, slots=True)
class Needed:
    """An object that another one refers to and that is not in the backup: a Secret or a ConfigMap."""

    kind: Literal["ConfigMap", "Secret"]
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def saved(obj: JsonObject) -> JsonObject:
    """Return what is kept of an object of this group: its name, labels, annotations of others, spec, and history.

    Annotations of this group are requests and records that concern the old object alone.
    """
    metadata = mapping(obj.get("metadata"))
    annotations = {
        name: value
        for name, value in mapping(metadata.get("annotations")).items()
        if name not in _OF_ONE_OBJECT and not name.startswith(f"{GROUP}/")
    }
    kept: JsonObject = {"name": metadata["name"]}
    kept |= {"labels": dict(labels)} if (labels := mapping(metadata.get("labels"))) else {}
    kept |= {"annotations": annotations} if annotations else {}
    document = {"apiVersion": API_VERSION, "kind": obj["kind"], "metadata": kept, "spec": dict(mapping(obj["spec"]))}
    if obj["kind"] == "ModelTag":
        status = mapping(obj.get("status"))
        found = {field: status[field] for field in KEPT_OF_STATUS if status.get(field)}
        return {**document, "status": found} if found else document
    return document


def without_approvals(document: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the document without approvals, which nobody may give in another's name, and the models approved."""
    spec = dict(document["spec"])
    approvals = mappings(spec.pop("approvals", None))
    return {**document, "spec": spec}, tuple(str(approval.get("model")) for approval in approvals)


def needed(documents: Iterable[JsonObject]) -> frozenset[Needed]:
    """Return the Secrets and ConfigMaps that the specs refer to, as Kubernetes and this group name references."""
    return frozenset(found for document in documents for found in _references(document.get("spec")))


def _references(value: object) -> Iterator[Needed]:
    for name, inner in mapping(value).items():
        if name in _WRITTEN_BY_OPERATOR:
            continue
        if text(inner) and name == "secretName":
            yield Needed("Secret", str(inner))
        referred = text(mapping(inner).get("name"))
        kind = _kind_of(name)
        if referred and kind and not mapping(inner).get("optional"):
            yield Needed(kind, referred)
        if name == "imagePullSecrets":
            yield from (Needed("Secret", str(each["name"])) for each in mappings(inner) if text(each.get("name")))
        yield from _references(inner)
    for each in value if isinstance(value, list) else ():
        yield from _references(each)


def _kind_of(field: str) -> Literal["ConfigMap", "Secret"] | None:
    """Return the kind that a reference in a field of this name leads to."""
    if field in ("secretKeyRef", "secretRef") or field.endswith("SecretRef"):
        return "Secret"
    return "ConfigMap" if field in ("configMapKeyRef", "configMapRef") else None


def restored_history(
    live: Sequence[HistoryEntry], kept: Sequence[HistoryEntry], limit: int
) -> tuple[HistoryEntry, ...]:
    """Return the history with what a backup kept of it, the latest first.

    An object that was created anew begins its history with the model that it found on the tag: where that is the
    latest of the backup, the entry of the backup says better since when, and who promoted it.
    """
    if not kept or kept[0] in live:
        return tuple(live)
    newer = [entry for entry in live if entry not in kept]
    while newer and (newer[-1].model, newer[-1].hash) == (kept[0].model, kept[0].hash):
        newer.pop()
    return (*newer, *kept)[:limit]
