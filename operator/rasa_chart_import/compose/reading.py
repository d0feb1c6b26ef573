"""Services of a docker-compose file, in one form."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from rasa_chart_import.reader import at

SERVICES = "services"
RASA_IMAGE = re.compile(r"(^|/)(rasa|rasa-pro|rasa-plus)(:|@|$)")
"""Images of Rasa servers; rasa-x, rasa-sdk and rasa-x-demo are others."""
OF_A_SERVER = ("RASA_MODEL_SERVER", "RASA_ENVIRONMENT")
WITH_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*:?-([^}$]*)\}")


def prepared(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the file with variables as mappings and commands as lists, which compose takes in two forms each."""
    services = values.get(SERVICES)
    if not isinstance(services, Mapping):
        return values
    return {**values, SERVICES: {name: _service(service) for name, service in services.items()}}


def _service(service: Any) -> Any:
    if not isinstance(service, Mapping):
        return service
    changed = dict(service)
    variables = service.get("environment")
    if isinstance(variables, list) and all(isinstance(item, str) for item in variables):
        pairs = (item.partition("=") for item in variables)
        changed["environment"] = {name: value if equals else None for name, equals, value in pairs}
    if isinstance(command := service.get("command"), str):
        try:
            changed["command"] = shlex.split(command)
        except ValueError:
            changed["command"] = command.split()
    return changed


def is_rasa(service: Any) -> bool:
    """Return whether a service is a Rasa server."""
    if not isinstance(service, Mapping):
        return False
    image = service.get("image")
    variables = at(_service(service), ("environment",))
    by_image = isinstance(image, str) and RASA_IMAGE.search(with_defaults(image)) is not None
    return by_image or (isinstance(variables, Mapping) and any(name in variables for name in OF_A_SERVER))


def rasa_servers(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the services that are Rasa servers."""
    services = values.get(SERVICES)
    return [name for name, service in services.items() if is_rasa(service)] if isinstance(services, Mapping) else []


def with_defaults(text: str) -> str:
    """Return a text with the default of each variable that has one, as compose does if .env does not set it."""
    return WITH_DEFAULT.sub(lambda found: found[1], text)
