"""The ConfigMap with the configuration files of the Rasa server."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import Context
from rasa_environments.desired.credentials import credentials_yaml
from rasa_environments.desired.endpoints import endpoints_yaml
from rasa_environments.desired.profiles import CREDENTIALS_FILE, ENDPOINTS_FILE


def config_map(context: Context) -> JsonObject:
    """Return the ConfigMap with endpoints.yml and credentials.yml, neither of which holds a secret value."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": context.metadata(),
        "data": {ENDPOINTS_FILE: endpoints_yaml(context), CREDENTIALS_FILE: credentials_yaml(context)},
    }
