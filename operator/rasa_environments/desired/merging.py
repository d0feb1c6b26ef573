"""The ModelServer's defaults under an environment's spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentDefaults, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.problems import problems
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.pod_template import combine_pod_templates

UNIONS = ("eventBroker", "trackerStore", "lockStore")
"""Fields of which exactly one member is set: naming another member drops the default's."""
POD_TEMPLATE = "podTemplate"


def merged_spec(environment: DeploymentEnvironment, server: ModelServer) -> EnvironmentSpec:
    """The environment's spec over its server's defaults; each secretKeyRef knows the namespace of whoever wrote it.

    Mappings are merged, everything else is replaced; pod templates merge as `kubectl patch` merges them.
    Raises SpecError where the two pod templates do not fit together.
    """
    layers: list[tuple[EnvironmentDefaults, str]] = [(environment.spec, environment.metadata.namespace)]
    if server.spec.defaults is not None:
        layers.insert(0, (server.spec.defaults, server.metadata.namespace))
    merged: JsonObject = {}
    templates: list[JsonObject] = []
    for spec, namespace in layers:
        layer = spec.model_dump(by_alias=True, exclude_unset=True)
        if (template := layer.pop(POD_TEMPLATE, None)) is not None:
            templates.append(template)
        merged = merge(_without_other_members(merged, layer), bound(layer, namespace))
    if templates:
        merged[POD_TEMPLATE] = combine_pod_templates(*templates)
    try:
        return EnvironmentSpec.model_validate(merged)
    except ValidationError as error:
        raise SpecError(
            f"with the defaults of ModelServer {server.metadata.key}: {'; '.join(problems(error, 'spec'))}"
        ) from error


def _without_other_members(under: JsonObject, over: JsonObject) -> JsonObject:
    result = dict(under)
    for union in UNIONS:
        if over.get(union) and result.get(union):
            result[union] = {member: value for member, value in result[union].items() if member in over[union]}
    return result


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> JsonObject:
    """`over` laid on `under`: mappings merge key by key, any other value of `over` wins, and null means unset."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        secret = is_secret_value(value) or is_secret_value(below)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and not secret:
            result[key] = merge(below, value)
        elif value is not None:
            result[key] = value
    return result


def is_secret_value(value: object) -> bool:
    """Whether this is {secretKeyRef: {name, key}}: one value, never merged with another."""
    return isinstance(value, Mapping) and isinstance(value.get("secretKeyRef"), Mapping)


def bound(value: Any, namespace: str) -> Any:
    """`value` with every secretKeyRef in it bound to `namespace`, whatever namespace it claims."""
    if isinstance(value, Mapping):
        return {
            key: {**inner, "namespace": namespace}
            if key == "secretKeyRef" and isinstance(inner, Mapping)
            else bound(inner, namespace)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [bound(item, namespace) for item in value]
    return value
