"""Free-form parts of the chart and of our resources: channels and additional endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import (
    SECRET_NAME,
    SecretValues,
    looks_secret,
    secret_in_channel,
    text_of,
)
from rasa_environments.api.base import JsonObject
from rasa_environments.api.problems import problems

CHANNELS = ("rasa", "additionalChannelCredentials")
ENDPOINTS = ("rasa", "additionalEndpoints")
MOST_CHANNELS = 32
IsSecret = Callable[[str, str], bool]


def channels(reader: Reader, secrets: SecretValues) -> list[JsonObject] | None:
    """Return `channels`, whose secrets become references."""
    given = reader.take(CHANNELS, kinds.MAPPING)
    if not given:
        return None
    if "rasa" in given:
        reader.unused((*CHANNELS, "rasa"), "the operator writes the channel rasa itself")
    walk = _Walk(reader, secrets, secret_in_channel, "spec.defaults.channels")
    names = [name for name in given if name != "rasa"]
    made = [_channel(reader, walk, name, given[name]) for name in names[:MOST_CHANNELS]]
    for name in names[MOST_CHANNELS:]:
        reader.refuse((*CHANNELS, name), f"an environment has at most {MOST_CHANNELS} channels")
    return [channel for channel in made if channel is not None] or None


def _channel(reader: Reader, walk: _Walk, name: str, options: Any) -> JsonObject | None:
    """Return one channel; None if it is invalid."""
    place = (*CHANNELS, name)
    try:
        kinds.CHANNEL.validate_python({"name": name, "config": options or {}})
    except ValidationError as error:
        reader.refuse(place, "; ".join(problems(error)))
        return None
    reader.mapped(place, f"spec.defaults.channels, the one called {name}")
    return {"name": name, **({"config": walk.value(options, place)} if options else {})}


def endpoints(reader: Reader, secrets: SecretValues) -> JsonObject | None:
    """Return `endpoints`: additional entries of endpoints.yml."""
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


class _Walk:
    """Copies a free-form value with references instead of its secrets, and records where each value went."""

    def __init__(self, reader: Reader, secrets: SecretValues, is_secret: IsSecret, target: str) -> None:
        self._reader = reader
        self._secrets = secrets
        self._is_secret = is_secret
        self._target = target

    def value(self, value: Any, path: Path) -> Any:
        """Return a copy of the value at a path of the file."""
        if isinstance(value, Mapping):
            return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._item(item, path, number) for number, item in enumerate(value)]
        return self._scalar(value, path, path)

    def _item(self, item: Any, path: Path, number: int) -> Any:
        """Return a copy of a list item, which is recorded under the list's own path."""
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
