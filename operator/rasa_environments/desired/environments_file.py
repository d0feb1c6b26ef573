"""environments.yml, which a Rasa X before 1.0 reads at its start, in a Secret since it holds tokens.

Source: "Updating the Environments Config" on the page of Rasa X 0.32.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.shapes import mapping, text
from rasa_environments.desired.context import MANAGED_BY, MANAGED_BY_LABEL

FILE = "environments.yml"
REQUIRED = ("production", "worker")
"""Environments without which Rasa X does not start."""
MAXIMUM_DEPTH = 2
"""Of mappings within the file's."""
_ENVELOPE = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)
MAXIMUM_CHARACTERS = 256 * 1024
"""Of a file that is read, in base64: more than a thousand environments."""


@dataclass(frozen=True)
class FileEntry:
    """An environment in the file."""

    url: str
    token: str = field(repr=False)


def environments_secret(server: ModelServer, entries: Mapping[str, FileEntry]) -> JsonObject:
    """The Secret with environments.yml."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": server.environments_secret,
            "namespace": server.metadata.namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, "app.kubernetes.io/part-of": "rasa-environments"},
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "ModelServer",
                    "name": server.metadata.name,
                    "uid": server.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "type": "Opaque",
        "data": {FILE: b64encode(file_text(entries).encode()).decode()},
    }


def file_text(entries: Mapping[str, FileEntry]) -> str:
    """The file: production and worker first, then the others by name."""
    order = sorted(entries, key=lambda name: (name not in REQUIRED, name))
    environments = {name: {"url": entries[name].url, "token": entries[name].token} for name in order}
    return yaml.dump({"rasa": environments}, Dumper=yaml.CSafeDumper, sort_keys=False, width=10_000)


def entries_of(secret: JsonObject | None) -> dict[str, FileEntry]:
    """The environments in the Secret as it is now; none where it is not there or holds no such file.

    Whoever may write the Secret decides what is read here: a file that is too large, or too deep, counts as none.
    """
    encoded = text(mapping((secret or {}).get("data")).get(FILE)) or ""
    if len(encoded) > MAXIMUM_CHARACTERS:
        return {}
    try:
        content = b64decode(encoded).decode("utf-8", "replace")
        return {name: FileEntry(entry["url"], entry["token"]) for name, entry in _read(content)["rasa"].items()}
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def names_in(content: str) -> frozenset[str]:
    """The environments in the text of the file; none where it is too large, too deep, or no such file."""
    if len(content) > MAXIMUM_CHARACTERS:
        return frozenset()
    try:
        return frozenset(_read(content)["rasa"])
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        return frozenset()


def _read(content: str) -> dict[str, Any]:
    """The mappings of texts in a YAML document. Raises YAMLError, TypeError or ValueError where it holds anything else.

    No loader of PyYAML may be used: nested deeply, a text ends the process in the one in C, and the one in Python takes
    seconds; with aliases and merge keys a short text becomes endless in both. The parser that gives events does not.
    """
    events = (event for event in yaml.parse(content, Loader=yaml.CSafeLoader) if not isinstance(event, _ENVELOPE))
    if not isinstance(next(events, None), yaml.MappingStartEvent):
        raise TypeError
    return _mapping(events, MAXIMUM_DEPTH)


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
    """The mapping whose start was the last event."""
    found: dict[str, Any] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            return found
        value = next(events, None)
        if isinstance(key, yaml.ScalarEvent) and isinstance(value, yaml.ScalarEvent):
            found[key.value] = value.value
        elif isinstance(key, yaml.ScalarEvent) and isinstance(value, yaml.MappingStartEvent) and depth:
            found[key.value] = _mapping(events, depth - 1)
        else:
            raise ValueError
    raise ValueError


def missing_from(names: Sequence[str]) -> list[str]:
    """Those that Rasa X does not start without."""
    return [name for name in REQUIRED if name not in names]
