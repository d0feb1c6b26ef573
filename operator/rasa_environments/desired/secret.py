"""The Secret that holds all secret values of the environment."""

from __future__ import annotations

from base64 import b64encode

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION, Context
from rasa_environments.desired.secret_variables import SALT_KEY, key_of


def secret(context: Context) -> JsonObject:
    """Return the Secret with the server's token, the pull token, and copies of the values and certificates of the spec.

    A digest of the Secret is an annotation of the pods, which more people may read than the Secret itself. Someone who
    knows the token and all values but one could find that one by trying, hence the salt.
    """
    contents = {key_of(variable): value for variable, value in sorted(context.secret_values.items())}
    contents |= dict(sorted(context.certificates.items()))
    contents[SALT_KEY] = context.salt
    rotated_at = {ROTATED_AT_ANNOTATION: context.token_rotated_at} if context.token_rotated_at else None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": context.metadata(annotations=rotated_at),
        "type": "Opaque",
        "data": {key: b64encode(value.encode()).decode() for key, value in contents.items()},
    }
