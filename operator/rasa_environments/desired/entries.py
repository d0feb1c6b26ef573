"""Entries of endpoints.yml, and of mappings that omit unset values."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject, SecretValue


def reference(variable: str, value: SecretValue | None) -> str | None:
    """Return `${VARIABLE}`, which Rasa expands when it reads the file; None without a value."""
    return None if value is None else f"${{{variable}}}"


def present(**entries: Any) -> JsonObject:
    """Return the entries that are not None."""
    return {key: value for key, value in entries.items() if value is not None}
