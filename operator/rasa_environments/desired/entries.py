"""Entries of endpoints.yml, and of any mapping that leaves out what is not set."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject, SecretValue


def reference(variable: str, value: SecretValue | None) -> str | None:
    """`${VARIABLE}`, which Rasa expands when it reads the file; None where there is no value."""
    return None if value is None else f"${{{variable}}}"


def present(**entries: Any) -> JsonObject:
    """The entries that are set."""
    return {key: value for key, value in entries.items() if value is not None}
