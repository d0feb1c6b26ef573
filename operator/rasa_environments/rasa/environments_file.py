"""environments.yml, which a Rasa X before 1.0 reads at startup.

Source: "Updating the Environments Config" on the page of Rasa X 0.32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

REQUIRED = ("production", "worker")
"""Environments without which Rasa X does not start."""
MAXIMUM_DEPTH = 2
"""Maximum nesting of mappings below the top level."""
_ENVELOPE = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)
MAXIMUM_CHARACTERS = 256 * 1024
"""Maximum size of a file that is read: more than a thousand environments."""


@dataclass(frozen=True)
class FileEntry:
    """An environment in the file."""

    url: str
    token: str = field(repr=False)


def file_text(entries: Mapping[str, FileEntry]) -> str:
    """Return the text of the file: production and worker first, then the others by name."""
    order = sorted(entries, key=lambda name: (name not in REQUIRED, name))
    environments = {name: {"url": entries[name].url, "token": entries[name].token} for name in order}
    return yaml.dump({"rasa": environments}, Dumper=yaml.CSafeDumper, sort_keys=False, width=10_000)


def entries_in(content: str) -> dict[str, FileEntry]:
    """Return the environments in the text of the file; none if it is too large, too deep or invalid."""
    if len(content) > MAXIMUM_CHARACTERS:
        return {}
    try:
        return {name: FileEntry(entry["url"], entry["token"]) for name, entry in _read(content)["rasa"].items()}
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def names_in(content: str) -> frozenset[str]:
    """Return the names of the environments in the text of the file; none if it is too large, too deep or invalid."""
    if len(content) > MAXIMUM_CHARACTERS:
        return frozenset()
    try:
        return frozenset(_read(content)["rasa"])
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        return frozenset()


def _read(content: str) -> dict[str, Any]:
    """Return the nested mappings of strings in a YAML document.

    It uses PyYAML's event parser, since its loaders are unsafe here: deep nesting crashes the process in the C loader
    and takes seconds in the Python one, and aliases and merge keys expand without limit in both. Raises YAMLError,
    TypeError or ValueError for any other content.
    """
    events = (event for event in yaml.parse(content, Loader=yaml.CSafeLoader) if not isinstance(event, _ENVELOPE))
    if not isinstance(next(events, None), yaml.MappingStartEvent):
        raise TypeError
    return _mapping(events, MAXIMUM_DEPTH)


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
    """Return the mapping whose start was the last event."""
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
    """Return those required environments that are missing."""
    return [name for name in REQUIRED if name not in names]
