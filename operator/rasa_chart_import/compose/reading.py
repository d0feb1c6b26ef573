"""Services of a docker-compose file, in one form."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

SERVICES = "services"
RASA_IMAGE = re.compile(r"(^|/)(rasa|rasa-pro|rasa-plus)(:|@|$)")
"""Images of Rasa servers; rasa-x, rasa-sdk and rasa-x-demo are others."""
OF_A_SERVER = ("RASA_MODEL_SERVER", "RASA_ENVIRONMENT")


def mergeable(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the file with variables as mappings, as compose merges those of several files."""
    return _each_service(values, with_variables)


def prepared(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the file with variables as mappings and commands as lists, which compose takes in two forms each."""
    return _each_service(values, lambda service: _with_words(with_variables(service)))


def _each_service(
    values: Mapping[str, Any], change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Mapping[str, Any]:
    services = values.get(SERVICES)
    if not isinstance(services, Mapping):
        return values
    changed = {name: change(service) if isinstance(service, Mapping) else service for name, service in services.items()}
    return {**values, SERVICES: changed}


def with_variables(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a service whose variables are a mapping; one without a value has null."""
    variables = service.get("environment")
    if not isinstance(variables, list) or not all(isinstance(item, str) for item in variables):
        return service
    pairs = (item.partition("=") for item in variables)
    return {**service, "environment": {name: value if equals else None for name, equals, value in pairs}}


def _with_words(service: Mapping[str, Any]) -> Mapping[str, Any]:
    command = service.get("command")
    if not isinstance(command, str):
        return service
    try:
        return {**service, "command": shlex.split(command)}
    except ValueError:
        return {**service, "command": command.split()}


def is_rasa(service: Any) -> bool:
    """Return whether a service is a Rasa server."""
    if not isinstance(service, Mapping):
        return False
    image = service.get("image")
    variables = with_variables(service).get("environment")
    by_image = isinstance(image, str) and RASA_IMAGE.search(image) is not None
    return by_image or (isinstance(variables, Mapping) and any(name in variables for name in OF_A_SERVER))


def rasa_servers(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the services that are Rasa servers."""
    services = values.get(SERVICES)
    return [name for name, service in services.items() if is_rasa(service)] if isinstance(services, Mapping) else []
