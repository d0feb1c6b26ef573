"""Detection of secret values, and the Secrets that replace them: no secret is ever written into a spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_chart_import.findings import Path
from rasa_chart_import.names import Names
from rasa_environments.api.base import JsonObject

SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|token|credential|private|api_?-?key|access_?-?key|_key$|-key$|^key$|auth"
    r"|account_?-?sid|dsn|salt|signature|cookie",
    re.IGNORECASE,
)
"""Names of variables and options that hold secrets."""
ADDRESS_WITH_MORE = re.compile(r"^[a-z][a-z0-9+.-]*://([^/]*@|[^?#]*[?#])", re.IGNORECASE)
"""A URL with a user name or a query, which tend to hold secrets."""
LONG_WORD = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+=_-][A-Za-z0-9+/=_-]{19,}")
"""A word that looks generated and is not a path."""
VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$\([A-Za-z_][A-Za-z0-9_]*\)")
"""A value that only refers to a variable."""
PLAIN_OPTIONS = frozenset(
    {
        "initial_prompt",
        "metadata_key",
        "namespace",
        "bot_message_evt",
        "user_message_evt",
        "session_persistence",
        "socketio_path",
        "jwt_method",
        "server_url",
        "slack_channel",
        "twilio_number",
        "url",
        "webhook_url",
    }
)
"""Options of channels that are not secret (https://rasa.com/docs/rasa, "Connecting to a Channel"); every other text in
credentials.yml is treated as a secret."""


def looks_secret(name: str, value: str) -> bool:
    """Return whether to keep a value out of a spec.

    False positives are harmless, since a reference works for any value.
    """
    if VARIABLE.fullmatch(value):
        return False
    generated = any(LONG_WORD.fullmatch(word) for word in re.split(r"[\s,;]+", value))
    return generated or bool(SECRET_NAME.search(name) or ADDRESS_WITH_MORE.search(value))


def secret_in_channel(name: str, value: str) -> bool:
    """Return whether an option of a channel belongs in a Secret."""
    if VARIABLE.fullmatch(value):
        return False
    return name not in PLAIN_OPTIONS or ADDRESS_WITH_MORE.search(value) is not None


def reference(name: str, key: str) -> JsonObject:
    """Return a reference to a value in a Secret."""
    return {"secretKeyRef": {"name": name, "key": key}}


@dataclass
class SecretValues:
    """Secret values from the file, by Secret and key."""

    names: Names
    contents: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    wanted: dict[str, list[str]] = field(default_factory=dict)
    """Keys whose values the file does not have, by Secret."""

    def keep(self, name: str, key: str, value: str) -> JsonObject:
        """Store a value under a key of a Secret; return a reference to it."""
        self.contents.setdefault(name, {})[key] = value
        return reference(name, key)

    def want(self, name: str, key: str) -> JsonObject:
        """Return a reference to a value that is to be put into a Secret by hand."""
        keys = self.wanted.setdefault(name, [])
        if key not in keys:
            keys.append(key)
        return reference(name, key)

    def imported(self, path: Path, value: str) -> JsonObject:
        """Store a value from a path of the file; return a reference to it."""
        return self.keep(self.names.imported, self.key_of(path), value)

    def key_of(self, path: Path) -> str:
        """Return a key that is free, for a value from a path of the file."""
        taken = {*self.contents.get(self.names.imported, {}), *self.wanted.get(self.names.imported, ())}
        wanted = re.sub(r"[^-._A-Za-z0-9]+", "-", "-".join(path))[:240]
        key, number = wanted, 2
        while key in taken:
            key, number = f"{wanted}-{number}", number + 1
        return key

    def manifests(self) -> list[JsonObject]:
        """Return the Secrets with their values."""
        return [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.names.namespace},
                "type": "Opaque",
                "stringData": dict(values),
            }
            for name, values in sorted(self.contents.items())
        ]

    def keys(self) -> Mapping[str, list[str]]:
        """Return the keys of each Secret whose values the file has."""
        return {name: list(values) for name, values in sorted(self.contents.items())}


def text_of(value: Any) -> str:
    """Return a scalar as a template prints it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
