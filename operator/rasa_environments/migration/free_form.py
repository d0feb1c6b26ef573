"""What is free-form in the chart and in our resources: channels, further endpoints, and the query of a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rasa_environments.api.base import JsonObject
from rasa_environments.migration import kinds
from rasa_environments.migration.findings import Path
from rasa_environments.migration.reader import Reader
from rasa_environments.migration.secret_values import (
    SECRET_NAME,
    SecretValues,
    looks_secret,
    secret_in_channel,
    text_of,
)

CHANNELS = ("rasa", "additionalChannelCredentials")
ENDPOINTS = ("rasa", "additionalEndpoints")
QUERY = ("rasa", "trackerStore", "query")
IsSecret = Callable[[str, str], bool]


def channels(reader: Reader, secrets: SecretValues) -> JsonObject | None:
    """`credentials`: the channels, whose secrets become references."""
    given = reader.take(CHANNELS, kinds.MAPPING)
    if not given:
        return None
    if "rasa" in given:
        reader.unused((*CHANNELS, "rasa"), "the operator writes the channel rasa itself")
    walk = _Walk(reader, secrets, secret_in_channel, "spec.defaults.credentials")
    for name in given.keys() - {"rasa"}:
        reader.mapped((*CHANNELS, name), f"spec.defaults.credentials.{name}")
    made = {name: walk.value(options, (*CHANNELS, name)) for name, options in given.items() if name != "rasa"}
    return {name: {} if options is None else options for name, options in made.items()}


def endpoints(reader: Reader, secrets: SecretValues) -> JsonObject | None:
    """`endpoints`: more entries of endpoints.yml."""
    given = reader.take(ENDPOINTS, kinds.MAPPING)
    if not given:
        return None
    if "models" in given:
        reader.by_hand((*ENDPOINTS, "models"), "the operator writes it: set url and modelPath of the ModelServer")
    walk = _Walk(reader, secrets, looks_secret, "spec.defaults.endpoints")
    for name in given.keys() - {"models"}:
        reader.mapped((*ENDPOINTS, name), f"spec.defaults.endpoints.{name}")
    made = {name: walk.value(entry, (*ENDPOINTS, name)) for name, entry in given.items() if name != "models"}
    return {name: entry for name, entry in made.items() if entry is not None} or None


def query(reader: Reader, secrets: SecretValues) -> JsonObject | None:
    """The query of the tracker store's address, which no typed field has."""
    given = reader.take(QUERY, kinds.MAPPING)
    walk = _Walk(reader, secrets, looks_secret, "DeploymentEnvironment: spec.endpoints.tracker_store.query")
    return {name: walk.value(value, (*QUERY, name)) for name, value in given.items()} if given else None


def tracker_store_with(query_of_address: JsonObject, shared: JsonObject, database: str) -> JsonObject:
    """The entry `tracker_store` of endpoints.yml, which then stands in the place of the typed field."""
    names = {"host": "url", "port": "port", "username": "username", "password": "password", "loginDatabase": "login_db"}
    described = {names[field]: value for field, value in shared.items()}
    return {"type": "SQL", "dialect": "postgresql", **described, "db": database, "query": query_of_address}


class _Walk:
    """Copies a free-form value with references in the place of its secrets, and notes where each value went."""

    def __init__(self, reader: Reader, secrets: SecretValues, is_secret: IsSecret, target: str) -> None:
        self._reader = reader
        self._secrets = secrets
        self._is_secret = is_secret
        self._target = target

    def value(self, value: Any, path: Path) -> Any:
        """The copy of a value at a path of the file."""
        if isinstance(value, Mapping):
            return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._item(item, path, number) for number, item in enumerate(value)]
        return self._scalar(value, path, path)

    def _item(self, item: Any, path: Path, number: int) -> Any:
        """A copy of what stands in a list, which is noted under the list's own path."""
        if isinstance(item, Mapping):
            return {key: self._item(inner, (*path, key), number) for key, inner in item.items()}
        if isinstance(item, list):
            return [self._item(inner, path, number) for inner in item]
        return self._scalar(item, path, (*path, str(number)))

    def _scalar(self, value: Any, path: Path, key: Path) -> Any:
        name = path[-1]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        secret = (isinstance(value, str) and value != "" and self._is_secret(name, value)) or (
            is_number and SECRET_NAME.search(name) is not None
        )
        if not secret:
            return value
        self._reader.mapped(path, f"{self._target}: a reference to Secret {self._secrets.names.imported}")
        return self._secrets.imported(key[1:], text_of(value))
