"""Unknown fields of a manifest, with suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from rasa_environments.api.base import ApiModel, Metadata

HIDDEN = "SkipJsonSchema"
"""The mark of a field that is not part of a manifest."""
OBJECT_FIELDS = frozenset({"apiVersion", "kind"})
METADATA_FIELDS = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Fields of metadata (Kubernetes API reference, ObjectMeta)."""


def unknown_fields(model: type[ApiModel], manifest: Mapping[str, object]) -> tuple[str, ...]:
    """Return one line for each unknown field in the manifest of a `model`, with the nearest known one."""
    return tuple(_in_model(model, {key: value for key, value in manifest.items() if key not in OBJECT_FIELDS}, ""))


def _in_model(model: type[ApiModel], value: Mapping[Any, object], path: str) -> Iterator[str]:
    """Yield the unknown fields of a mapping that represents a model."""
    if model is Metadata:
        yield from _unknown(value, METADATA_FIELDS, path)
        return
    fields = {
        field.alias or name: field.annotation
        for name, field in model.model_fields.items()
        if not any(type(marker).__name__ == HIDDEN for marker in field.metadata)
    }
    yield from _unknown(value, fields, path)
    for name, annotation in fields.items():
        if name in value:
            yield from _in_type(annotation, value[name], _joined(path, name))


def _in_type(annotation: object, value: object, path: str) -> Iterator[str]:
    """Yield the unknown fields of a value, wherever its annotation has a model for it; a free-form field has none."""
    arguments = get_args(annotation)
    match get_origin(annotation), value:
        case None, dict() if isinstance(annotation, type) and issubclass(annotation, ApiModel):
            yield from _in_model(annotation, value, path)
        case origin, _ if origin is Annotated:
            yield from _in_type(arguments[0], value, path)
        case origin, _ if origin in (Union, UnionType):
            for member in arguments:
                yield from _in_type(member, value, path)
        case origin, list() if origin is list:
            for index, item in enumerate(value):
                yield from _in_type(arguments[0], item, f"{path}[{index}]")
        case origin, dict() if origin is dict:
            for key, item in value.items():
                yield from _in_type(arguments[1], item, _joined(path, str(key)))


def _unknown(value: Mapping[Any, object], known: Iterable[str], path: str) -> Iterator[str]:
    names = sorted(known)
    for key in value:
        if key not in names:
            yield f"{_joined(path, str(key))}: is not a field{meant(str(key), names)}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` if a known word is similar, else the list of known words."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    near = get_close_matches(word.replace("_", "").lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]}?" if near else f"; there are {', '.join(names)}"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
