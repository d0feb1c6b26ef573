"""environments.yml, which a Rasa X before 1.0 reads at its start, in a Secret since it holds tokens.

Source: "Updating the Environments Config" on the page of Rasa X 0.32.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.shapes import mapping, text
from rasa_environments.desired.context import MANAGED_BY, MANAGED_BY_LABEL

FILE = "environments.yml"
LARGEST_FILE = 256 * 1024
"""Characters in base64: more than a thousand environments."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
REQUIRED = ("production", "worker")
"""Environments without which Rasa X does not start."""


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
    return yaml.safe_dump({"rasa": environments}, sort_keys=False, width=10_000)


def entries_of(secret: JsonObject | None) -> dict[str, FileEntry]:
    """The environments in the Secret as it is now; none where it is not there or holds no such file."""
    encoded = text(mapping((secret or {}).get("data")).get(FILE)) or ""
    if len(encoded) > LARGEST_FILE:
        return {}
    try:
        content = yaml.load(b64decode(encoded).decode("utf-8", "replace"), LOADER)  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):  # ValueError: a date with a month 99
        return {}
    environments = mapping(content).get("rasa")
    # Only texts are taken: by aliases a small file can name a value that has no end when it is written out.
    return {
        name: FileEntry(entry["url"], entry["token"])
        for name, entry in mapping(environments).items()
        if isinstance(entry, dict)
        and all(isinstance(each, str) for each in (name, entry.get("url"), entry.get("token")))
    }


def missing_from(names: Sequence[str]) -> list[str]:
    """Those that Rasa X does not start without."""
    return [name for name in REQUIRED if name not in names]
