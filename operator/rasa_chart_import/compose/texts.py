"""Values of variables, in which compose replaces variables of its own."""

from __future__ import annotations

from typing import TypeVar

from rasa_chart_import.compose.reading import with_defaults
from rasa_chart_import.findings import Path
from rasa_chart_import.placeholders import placeholder_in
from rasa_chart_import.reader import Kind, Reader
from rasa_chart_import.secret_values import SecretValues, text_of
from rasa_environments.api.base import JsonObject

T = TypeVar("T")


def text(reader: Reader, place: Path) -> str | None:
    """Return a text with the defaults of its variables; None if there is none, or a variable has no default."""
    given = reader.given(place)
    if given is None:
        return None
    found = with_defaults(text_of(given))
    meaning = placeholder_in(found)
    if meaning is not None:
        reader.by_hand(place, f"is not carried over: {meaning}")
        return None
    if found != given and isinstance(given, str):
        reader.partly(place, "by the default of its variable: .env may set another value")
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
    if placeholder_in(value) is None:
        return secrets.keep(name, key, value)
    reader.partly(place, f"a reference to key {key} of Secret {name}: put the value there that .env has")
    return secrets.want(name, key)
