"""Texts and secret values, after docker compose's own variables are replaced."""

from __future__ import annotations

from typing import TypeVar

from rasa_chart_import.compose.interpolation import Unset
from rasa_chart_import.findings import Path
from rasa_chart_import.placeholders import other_placeholder_in
from rasa_chart_import.reader import Kind, Reader
from rasa_chart_import.secret_values import SecretValues, text_of
from rasa_environments.api.base import JsonObject

T = TypeVar("T")


def text(reader: Reader, place: Path) -> str | None:
    """Return a text; None if there is none, or if it has a variable that is set nowhere."""
    given = reader.given(place)
    if given is None:
        return None
    found = text_of(given)
    meaning = missing(given)
    if meaning is not None:
        reader.by_hand(place, f"is not carried over: {meaning}")
        return None
    return found


def fitting(reader: Reader, place: Path, kind: Kind[T]) -> T | None:
    """Return a value that fits; one that does not is told."""
    found = text(reader, place)
    if found is None:
        return None
    try:
        return kind.validate_python(found)
    except ValueError:
        reader.refuse(place, "it does not fit the field: see kubectl explain denv.spec")
        return None


def secret(
    reader: Reader, secrets: SecretValues, place: Path, name: str | None = None, key: str | None = None
) -> JsonObject | None:
    """Return a reference to a secret value; one that a variable holds has to be put into the Secret by hand."""
    given = reader.given(place)
    if given is None:
        return None
    name, key = name or secrets.names.imported, key or place[-1]
    value = text_of(given)
    if missing(given) is None:
        return secrets.keep(name, free_key(secrets, name, key, value), value)
    reader.partly(place, f"a reference to key {key} of Secret {name}: put the value there")
    return secrets.want(name, key)


def missing(value: object) -> str | None:
    """Return why a value is none yet: it has a variable that is set nowhere, or a placeholder of something else."""
    return "it has no value" if isinstance(value, Unset) else other_placeholder_in(text_of(value))


def option(secrets: SecretValues, value: str | None, key: str) -> JsonObject | None:
    """Return a reference to a secret value of the command line; one that has no value has to be put there by hand."""
    if value is None:
        return None
    name = secrets.names.imported
    if "$" in value:
        return secrets.want(name, key)
    return secrets.keep(name, free_key(secrets, name, key, value), value)


def free_key(secrets: SecretValues, name: str, key: str, value: str) -> str:
    """Return the key for a value: with a number, where another service has another value for the variable."""
    taken, free, number = secrets.contents.get(name, {}), key, 2
    while taken.get(free, value) != value:
        free, number = f"{key}-{number}", number + 1
    return free
