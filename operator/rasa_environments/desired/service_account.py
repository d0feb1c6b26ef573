"""The ServiceAccount that the pods run as."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import Context


def service_account(context: Context) -> JsonObject:
    """Return an account without permissions and without a mounted token: Rasa never calls the API server."""
    wanted = context.spec.service_account
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": context.metadata(annotations=wanted.annotations if wanted else None),
        "automountServiceAccountToken": False,
    }
