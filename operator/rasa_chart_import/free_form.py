"""Free-form parts of the chart and of our resources: channels and additional endpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import ValidationError

from rasa_chart_import import kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.loading import ValuesError, loaded_from
from rasa_chart_import.placeholders import other_placeholder_in
from rasa_chart_import.reader import Reader, at
from rasa_chart_import.secret_values import (
    SECRET_NAME,
    SecretValues,
    looks_secret,
    secret_in_channel,
    text_of,
)
from rasa_environments.api.base import JsonObject
from rasa_environments.api.problems import problems

MOST_CHANNELS = 32
OWN: Collection[str] = ()
SHARED = "spec.defaults"
IsSecret = Callable[[str, str], bool]


def channels(reader: Reader, secrets: SecretValues, place: Path, spec: str = SHARED) -> list[JsonObject] | None:
    """Return `channels` of a spec, whose secrets become references."""
    given = reader.take(place, kinds.MAPPING)
    if not given:
        return None
    if "rasa" in given:
        reader.unused((*place, "rasa"), "the operator writes the channel rasa itself")
    walk = _Walk(reader, secrets, secret_in_channel, f"{spec}.channels")
    names = [name for name in given if name != "rasa"]
    made = [_channel(reader, walk, (*place, name), given[name]) for name in names[:MOST_CHANNELS]]
    for name in names[MOST_CHANNELS:]:
        reader.refuse((*place, name), f"an environment has at most {MOST_CHANNELS} channels")
    return [channel for channel in made if channel is not None] or None


def _channel(reader: Reader, walk: _Walk, place: Path, options: Any) -> JsonObject | None:
    """Return one channel; None if it is invalid."""
    name = place[-1]
    try:
        kinds.CHANNEL.validate_python({"name": name, "config": options or {}})
    except ValidationError as error:
        reader.refuse(place, "; ".join(problems(error)))
        return None
    reader.mapped(place, f"{walk.target}, the one called {name}")
    return {"name": name, **({"config": walk.value(options, place)} if options else {})}


def endpoints(
    reader: Reader, secrets: SecretValues, place: Path, own: Collection[str] = OWN, spec: str = SHARED
) -> JsonObject | None:
    """Return `endpoints`: entries of endpoints.yml, except for `own`, which are read into fields of their own."""
    given = reader.take(place, kinds.MAPPING)
    if not given:
        return None
    if "models" in given and "models" not in own:
        reader.by_hand((*place, "models"), "the operator writes it: set url and modelPath of the ModelServer")
    walk = _Walk(reader, secrets, looks_secret, f"{spec}.endpoints")
    names = [name for name in given if name != "models" and name not in own]
    for name in names:
        reader.mapped((*place, name), f"{spec}.endpoints.{name}")
    made = {name: walk.value(given[name], (*place, name)) for name in names}
    return {name: entry for name, entry in made.items() if entry is not None} or None


def entry(reader: Reader, secrets: SecretValues, place: Path, target: str) -> Any:
    """Return one entry of endpoints.yml, whose secrets become references."""
    reader.mapped(place, target)
    return _Walk(reader, secrets, looks_secret, target).value(reader.given(place), place)


def with_parsed(values: Mapping[str, Any], *paths: Path) -> Mapping[str, Any]:
    """Return the values with YAML texts at some paths read: a template pastes them into a file of Rasa as they are."""
    for path in paths:
        text = at(values, path)
        if isinstance(text, str) and text.strip():
            values = _replaced(values, path, _parsed(text))
    return values


def _parsed(text: str) -> Any:
    """Return what a YAML text holds, if that is a mapping, else the text."""
    try:
        return loaded_from("text", text).values
    except ValuesError:
        return text


def _replaced(values: Mapping[str, Any], path: Path, value: Any) -> Mapping[str, Any]:
    key, rest = path[0], path[1:]
    return {**values, key: _replaced(values[key], rest, value) if rest else value}


class _Walk:
    """Copies a free-form value with references instead of its secrets, and records where each value went."""

    def __init__(self, reader: Reader, secrets: SecretValues, is_secret: IsSecret, target: str) -> None:
        self._reader = reader
        self._secrets = secrets
        self._is_secret = is_secret
        self.target = target

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
        if isinstance(value, str) and (meaning := other_placeholder_in(value)) is not None:
            owner, wanted = self._secrets.names.imported, self._secrets.key_of(key[-3:])
            self._reader.partly(path, f"a reference to key {wanted} of Secret {owner}: {meaning}")
            return self._secrets.want(owner, wanted)
        self._reader.mapped(path, f"{self.target}: a reference to Secret {self._secrets.names.imported}")
        return self._secrets.imported(key[-3:], text_of(value))
