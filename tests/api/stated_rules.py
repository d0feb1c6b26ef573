"""The rules that the CRDs state."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from rasa_environments.api.crd import files
from rasa_environments.api.rules import VALIDATIONS


def stated_rules() -> frozenset[str]:
    """The messages of all rules in all CRDs."""
    return frozenset(message for text in files().values() for message in _messages(yaml.safe_load(text)))


def _messages(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (entry["message"] for entry in value.get(VALIDATIONS, []))
        for inner in value.values():
            yield from _messages(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _messages(item)
