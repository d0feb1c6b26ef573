"""The Secret that holds every secret value of the environment."""

from __future__ import annotations

from base64 import b64encode

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION, Context
from rasa_environments.desired.secret_variables import key_of


def secret(context: Context) -> JsonObject:
    """The server's token, the token to pull with, and a copy of each value that the spec names."""
    rotated_at = {ROTATED_AT_ANNOTATION: context.token_rotated_at} if context.token_rotated_at else None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": context.metadata(annotations=rotated_at),
        "type": "Opaque",
        "data": {
            key_of(variable): b64encode(value.encode()).decode()
            for variable, value in sorted(context.secret_values.items())
        },
    }
