"""The Secret with environments.yml, which holds tokens."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.shapes import mapping, text
from rasa_environments.desired.context import MANAGED_BY, MANAGED_BY_LABEL
from rasa_environments.rasa.environments_file import MAXIMUM_CHARACTERS, FileEntry, entries_in, file_text

FILE = "environments.yml"


def environments_secret(server: ModelServer, entries: Mapping[str, FileEntry]) -> JsonObject:
    """Return the Secret with environments.yml."""
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


def entries_of(secret: JsonObject | None) -> dict[str, FileEntry]:
    """Return the environments in the stored Secret; none if it does not exist or holds no valid file.

    Whoever may write the Secret controls this input: a file that is too large or too deep counts as empty.
    """
    encoded = text(mapping((secret or {}).get("data")).get(FILE)) or ""
    if len(encoded) > MAXIMUM_CHARACTERS:
        return {}
    try:
        return entries_in(b64decode(encoded).decode("utf-8", "replace"))
    except ValueError:
        return {}
