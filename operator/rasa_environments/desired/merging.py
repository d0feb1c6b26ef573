"""Merging of the ModelServer's defaults with an environment's spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rasa_environments.api.base import JsonObject, merged_problems
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentDefaults, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.problems import problems
from rasa_environments.desired.errors import SpecError

_REDIS = ("host", "sentinel", "cluster")
ALTERNATIVES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): ("actionEndpoint", "actionServer"),
    ("eventBroker",): ("rabbitmq", "kafka", "sql"),
    ("trackerStore",): ("sql", "redis"),
    ("trackerStore", "redis"): _REDIS,
    ("lockStore",): ("redis", "concurrentRedis"),
    ("lockStore", "redis"): _REDIS,
    ("lockStore", "concurrentRedis"): _REDIS,
    ("podDisruptionBudget",): ("minAvailable", "maxUnavailable"),
    ("actionServer", "podDisruptionBudget"): ("minAvailable", "maxUnavailable"),
}
"""Mutually exclusive fields, by the path of the map that holds them: setting one drops the others of the defaults."""
CHANNELS = "channels"
FREE_FORM = frozenset({CHANNELS, "endpoints"})
SECRET_VALUE = frozenset({"secretKeyRef"})
REFERENCES = SECRET_VALUE | {"certSecretRef"}


def merged_spec(environment: DeploymentEnvironment, server: ModelServer) -> EnvironmentSpec:
    """Return the environment's spec merged with its server's defaults.

    Each reference to a Secret is bound to the namespace of the object that made it. Maps are merged, channels by name,
    and everything else is replaced. Each `podTemplate` is left out: templates are merged into the pod one after the
    other (`layers`). Raises SpecError where something is missing or inconsistent.
    """
    merged: JsonObject = {}
    for spec, namespace in reversed(layers(environment, server)):
        layer = _bound_layer(_layer(spec), namespace)
        merged = merge(_without_alternatives(merged, layer), layer)
    if CHANNELS in merged:
        merged[CHANNELS] = list(merged[CHANNELS].values())
    try:
        result = EnvironmentSpec.model_validate(merged)
    except ValidationError as error:
        raise SpecError(_told(problems(error, "spec"), server)) from error
    missing = merged_problems(result, "spec")
    if missing:
        raise SpecError(_told(missing, server))
    return result


def layers(environment: DeploymentEnvironment, server: ModelServer) -> list[tuple[EnvironmentDefaults, str]]:
    """Return the specs that apply, with their namespaces.

    The environment's own, and the defaults it does not ignore.
    """
    own = (environment.spec, environment.metadata.namespace)
    defaults, ignored = server.spec.defaults, environment.spec.ignore_defaults or ()
    if defaults is None:
        return [own]
    fields = EnvironmentDefaults.model_fields.items()
    taken = defaults.model_copy(update={name: None for name, field in fields if (field.alias or name) in ignored})
    return [own, (taken, server.metadata.namespace)]


def _told(lines: Sequence[str], server: ModelServer) -> str:
    if server.spec.defaults is None:
        return "; ".join(lines)
    hint = "spec.ignoreDefaults names fields of the defaults to do without"
    return f"with the defaults of ModelServer {server.metadata.key}: {'; '.join(lines)} ({hint})"


def _layer(spec: EnvironmentDefaults) -> JsonObject:
    """Return a spec as JSON that can be merged, with its channels keyed by name."""
    layer: JsonObject = without_nested_nulls(
        spec.model_dump(
            by_alias=True, exclude_unset=True, exclude={"pod_template": True, "action_server": {"pod_template"}}
        )
    )
    if CHANNELS in layer:
        layer[CHANNELS] = {channel["name"]: channel for channel in layer[CHANNELS]}
    return layer


def without_nested_nulls(value: Any) -> Any:
    """Return a value without the nulls of its maps, which mean nothing: `kubectl apply` omits them."""
    if isinstance(value, Mapping):
        return {key: without_nested_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nested_nulls(item) for item in value]
    return value


def _without_alternatives(under: JsonObject, over: JsonObject, path: tuple[str, ...] = ()) -> JsonObject:
    """Return `under` without fields that `over` replaces by an alternative."""
    alternatives = ALTERNATIVES.get(path, ())
    dropped = set(alternatives) - over.keys() if over.keys() & set(alternatives) else set()
    return {
        key: _without_alternatives(value, over[key], (*path, key))
        if isinstance(value, dict) and isinstance(over.get(key), dict)
        else value
        for key, value in under.items()
        if key not in dropped
    }


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> JsonObject:
    """Merge `over` into `under`: maps key by key, while any other value of `over` replaces the one below."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        secret = is_secret_value(value) or is_secret_value(below)
        maps = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[key] = merge(below or {}, value) if maps and not secret else value
    return result


def is_secret_value(value: object) -> bool:
    """Return whether this is {secretKeyRef: {name, key}}, which is one value, never merged with another."""
    return isinstance(value, Mapping) and isinstance(value.get("secretKeyRef"), Mapping)


def _bound_layer(layer: JsonObject, namespace: str) -> JsonObject:
    """Return a layer with its references bound to its namespace; free-form fields have no certificates."""
    return {
        field: bound(value, namespace, SECRET_VALUE if field in FREE_FORM else REFERENCES)
        for field, value in layer.items()
    }


def bound(value: Any, namespace: str, references: frozenset[str] = SECRET_VALUE) -> Any:
    """Return `value` with each map under one of the keys `references` bound to `namespace`, whatever it said before."""
    if isinstance(value, Mapping):
        return {
            key: {**inner, "namespace": namespace}
            if key in references and isinstance(inner, Mapping)
            else bound(inner, namespace, references)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [bound(item, namespace, references) for item in value]
    return value
