"""What is kept of children in memory, which is bounded by what is managed.

Anybody may put the operator's label on an object of any size, and name an environment as its owner. So whole objects
are kept only if owner and name are those of a child, and an outline if they are longer than what the operator itself
writes. Decisions about an outlined child are made on the stored object, once for each version (`Children`). A child
that was compared and is correct is kept as an outline, too, until its content changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rasa_environments.api.base import GROUP, JsonObject, ObjectKey
from rasa_environments.api.shapes import mapping, mappings
from rasa_environments.cluster.cache import ObjectCache, without_managed_fields
from rasa_environments.desired.context import (
    CHILD_SUFFIXES,
    MODEL_HASH_ANNOTATION,
    ROTATED_AT_ANNOTATION,
    environment_key,
)
from rasa_environments.desired.secret_variables import JWT_VARIABLE, SALT_KEY, TOKEN_KEY, key_of

LARGEST_CHILD: Final = 32 * 1024
"""Bytes as JSON, without managedFields; a typical Deployment has 4000."""

DESIRED_ANNOTATION: Final = f"{GROUP}/desired"
"""Annotation of every child: a digest of the desired object, which reveals fields that are no longer desired."""

_OUTLINE: Final = "outline"
_IDENTITY: Final = ("namespace", "name", "uid", "resourceVersion", "generation", "deletionTimestamp")
_ANNOTATIONS: Final = (DESIRED_ANNOTATION, ROTATED_AT_ANNOTATION, MODEL_HASH_ANNOTATION)
_GENERATED: Final = (TOKEN_KEY, SALT_KEY, key_of(JWT_VARIABLE))
"""Keys of values in an environment's Secret that exist nowhere else: they must not be lost."""
_LONGEST_VALUE: Final = 1024
_MOST_FIELDS: Final = 32
_REVISION: Final = "deployment.kubernetes.io/revision"
"""Annotation by which the Deployment controller counts rollouts; with it, each would look like an edit."""
_ROLLOUT: Final = ("replicas", "updatedReplicas", "availableReplicas", "observedGeneration")
_TROUBLE: Final = (("Progressing", "False"), ("ReplicaFailure", "True"))
"""Conditions of a Deployment, as type and status, that say why its rollout fails."""


def child_cache() -> ObjectCache:
    """Return a cache of children of one kind, for which an update is a change only if it changes what is kept."""
    return ObjectCache(child_projection, outline=outline, largest=LARGEST_CHILD, by_content=True)


def child_projection(obj: JsonObject) -> JsonObject | None:
    """Return a child without managedFields and the traces of rollouts, except for what tells their progress.

    Return the metadata of an unmanaged object with a child's name, and None for any other object.
    """
    metadata = obj["metadata"]
    owner = controller(obj)
    if _is_ours(obj, owner):
        kept = {name: value for name, value in without_managed_fields(obj).items() if name != "status"}
        if obj.get("kind") != "Deployment":
            return kept
        annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != _REVISION}
        return {**kept, "metadata": {**kept["metadata"], "annotations": annotations}, "status": rollout(obj)}
    if environment_key(ObjectKey(metadata["namespace"], metadata["name"])) is None:
        return None
    return {"apiVersion": obj.get("apiVersion"), "kind": obj.get("kind"), "metadata": _outlined_metadata(metadata)}


def outline(obj: JsonObject) -> JsonObject:
    """Return the parts of a child that decisions need, apart from the comparison with the desired object."""
    kept: JsonObject = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "metadata": _outlined_metadata(obj["metadata"]),
        _OUTLINE: True,
    }
    if obj.get("kind") == "Deployment":
        spec = mapping(obj.get("spec"))
        template = mapping(mapping(spec.get("template")).get("metadata"))
        annotations = _chosen(template.get("annotations"), _ANNOTATIONS)
        kept["spec"] = {**_short(spec), "template": {"metadata": {"annotations": annotations}}}
        kept["status"] = rollout(obj)
    if obj.get("kind") == "Secret":
        kept["data"] = _chosen(obj.get("data"), _GENERATED)
    return kept


def rollout(deployment: JsonObject) -> JsonObject:
    """Return the part of a Deployment's status that `domain.facts.deployment_facts` reads, without any time."""
    status = mapping(deployment.get("status"))
    conditions = [
        _short({name: condition.get(name) for name in ("type", "status", "message")})
        for condition in mappings(status.get("conditions"))
        if (condition.get("type"), condition.get("status")) in _TROUBLE
    ]
    return {**{name: status[name] for name in _ROLLOUT if name in status}, "conditions": conditions[: len(_TROUBLE)]}


def is_outline(obj: JsonObject) -> bool:
    """Return whether content of the object was left out."""
    return obj.get(_OUTLINE) is True


def controller(obj: JsonObject) -> JsonObject:
    """Return the owner reference that is the controller; empty if there is none."""
    references: list[JsonObject] = obj["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), {})


def _is_ours(obj: JsonObject, owner: JsonObject) -> bool:
    """Return whether owner and name are those of a child; the garbage collector checks that the owner exists."""
    if str(owner.get("apiVersion", "")).rpartition("/")[0] != GROUP:
        return False
    if owner.get("kind") == "DeploymentEnvironment":
        return obj["metadata"]["name"] in [f"{owner.get('name')}{suffix}" for suffix in CHILD_SUFFIXES]
    return obj.get("kind") == "Secret" and owner.get("kind") == "ModelServer"


def _outlined_metadata(metadata: JsonObject) -> JsonObject:
    owner = controller({"metadata": metadata})
    outlined: JsonObject = {name: metadata[name] for name in _IDENTITY if name in metadata}
    outlined["annotations"] = _chosen(metadata.get("annotations"), _ANNOTATIONS)
    if owner:
        outlined["ownerReferences"] = [_short(owner)]
    return outlined


def _chosen(values: object, names: tuple[str, ...]) -> JsonObject:
    """Return the entries of a map with these names that are short texts."""
    chosen = {name: mapping(values).get(name) for name in names}
    return {name: value for name, value in chosen.items() if isinstance(value, str) and len(value) <= _LONGEST_VALUE}


def _short(values: Mapping[str, Any]) -> JsonObject:
    """Return the scalars of a map, with long texts truncated."""
    scalars = {name: value for name, value in values.items() if isinstance(value, str | int | float)}
    return {
        name: value[:_LONGEST_VALUE] if isinstance(value, str) else value
        for name, value in list(scalars.items())[:_MOST_FIELDS]
    }
