"""Passwords of the services that a chart installs, or is told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasa_chart_import import kinds
from rasa_chart_import.findings import path_of
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues, reference
from rasa_environments.api.base import JsonObject


@dataclass(frozen=True)
class Password:
    """Where the chart keeps the password of a service."""

    installed: bool
    """Whether the chart installs the service, and then creates the Secret."""
    secret: str
    """The Secret that the chart creates."""
    key: str
    """The key in it."""
    existing_secret: Sequence[str]
    """Values that name another Secret."""
    existing_key: Sequence[str]
    """Values that name the key in it."""
    plain: Sequence[str]
    """Values that hold the password itself."""


def password(reader: Reader, secrets: SecretValues, where: Password) -> JsonObject | None:
    """Return a reference to a password; None if none is set."""
    existing = reader.first(where.existing_secret, kinds.NAME)
    key = reader.first(where.existing_key, kinds.KEY) if where.existing_key else None
    if existing is not None:
        found = reference(existing, key or where.key)
        _note_plain(reader, where, f"not carried over: the password is key {key or where.key} of Secret {existing}")
        return found
    if where.installed:
        found = reference(where.secret, where.key)
        for path in where.plain:
            if path_of(path) not in reader.notes:
                reader.referred(path, where.secret, where.key)
        return found
    value = reader.first(where.plain, kinds.TEXT)
    if value is None:
        return None
    for path in where.existing_key:
        reader.unused(path, "the file has the password itself, and names no Secret with it")
    found = secrets.keep(secrets.names.imported, where.key, value)
    _note_plain(reader, where, f"key {where.key} of Secret {secrets.names.imported}", mapped=True)
    return found


def _note_plain(reader: Reader, where: Password, text: str, *, mapped: bool = False) -> None:
    for path in where.plain:
        if path_of(path) not in reader.notes:
            (reader.mapped if mapped else reader.unused)(path, text)
