"""A change of a field in an environment's spec, and where it shows."""

from __future__ import annotations

import base64
import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

import yaml

from rasa_environments.api.base import JsonObject

SECRET = "passwords"
FIRST, SECOND = "first-value-41d8", "second-value-e29b"
"""What the Secret holds under the keys `first` and `second`."""
POD = ("spec", "template", "spec")
RASA = (*POD, "containers", "rasa")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """A field goes from one value to another, and a child with it."""

    field: str
    before: Any
    after: Any
    kind: str
    """The kind of the child that shows it."""
    path: Path
    """Its path in the child: see `at`."""
    shows: Any
    """The value at the path after the change."""
    given: JsonObject = dataclasses.field(default_factory=dict)
    """The rest of the spec."""

    def spec(self, value: Any) -> JsonObject:
        """Return the spec with this value of the field; None leaves it out."""
        spec = copy.deepcopy(self.given)
        if value is not None:
            inner: Any = value
            for name in reversed(self.field.split(".")):
                inner = {name: inner}
            _merge(spec, inner)
        return spec

    def seen_in(self, child: JsonObject) -> Any:
        """Return what the child shows of the field."""
        found = at(child, self.path)
        return base64.b64decode(found).decode() if self.kind == "Secret" and found is not None else found

    @property
    def rolls(self) -> bool:
        """Whether pods have to be replaced: their template, configuration or secrets differ."""
        return self.kind in ("ConfigMap", "Secret") or self.path[:2] == ("spec", "template")


def _merge(into: JsonObject, other: JsonObject) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def at(obj: Any, path: Path) -> Any:
    """Return the value at a path, else None.

    Items of a list are found by name or index, an argument by the one before it; files of a ConfigMap are read as YAML.
    """
    for part in path:
        if isinstance(obj, str):
            obj = yaml.safe_load(obj)
        if isinstance(obj, list):
            obj = _item(obj, part)
        elif isinstance(obj, dict):
            obj = obj.get(part)
        else:
            return None
    return obj


def _item(items: list[Any], part: str | int) -> Any:
    if isinstance(part, int):
        return items[part] if part < len(items) else None
    if part in items:
        return [*items, ""][items.index(part) + 1]
    return next((item for item in items if isinstance(item, dict) and item.get("name") == part), None)


def following(argument: str) -> Path:
    """The place in the container of the argument that follows another."""
    return (*RASA, "args", argument)


def ref(key: str) -> JsonObject:
    """A value from the Secret."""
    return {"secretKeyRef": {"name": SECRET, "key": key}}


def endpoint(*path: str | int) -> Path:
    """A place in endpoints.yml."""
    return ("data", "endpoints.yml", *path)


def rasa(name: str, before: Any, after: Any, path: Path, shows: Any = None, kind: str = "Deployment") -> Change:
    """Return a change of the Rasa server itself, which shows unchanged unless said otherwise."""
    return Change(f"rasa.{name}", before, after, kind, path, after if shows is None else shows)


def password(name: str, given: JsonObject, key: str) -> Change:
    """Return a change of a password, which shows only in the environment's Secret."""
    return Change(name, ref("first"), ref("second"), "Secret", ("data", key), SECOND, given)


def connection(name: str, before: Any, after: Any, path: Path, given: JsonObject) -> Change:
    """A setting of something that the server is connected to."""
    return Change(name, before, after, "ConfigMap", endpoint(*path), after, given)
