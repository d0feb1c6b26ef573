"""An environment and its server, with everything that the children are computed from."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import Context, OperatorPods, action_server_key
from rasa_environments.desired.environment import children
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.secret_variables import secret_variables

URL = "http://model-server:5002"
TOKEN = "4f" * 32
PULL_TOKEN = "pull-token-90ab"
SALT = "salt-of-the-secret-7c31"
LICENSE = {"secretKeyRef": {"name": "licenses", "key": "license"}}
OPERATOR_PODS = OperatorPods("operators", {"app.kubernetes.io/name": "bots", "app.kubernetes.io/component": "operator"})
"""Those of a release with a name of its own."""


def context(
    spec: JsonObject,
    *,
    name: str = "support",
    defaults: JsonObject | None = None,
    server: JsonObject | None = None,
    server_namespace: str = "bots",
    secret_values: dict[str, str] | None = None,
    licensed: bool = True,
    **details: Any,
) -> Context:
    """Return the context of an environment; a secret value equals its key unless given.

    Rasa Pro has a licence, unless the environment is not `licensed`.
    """
    shared = (defaults or {}).get("rasa", {}).get("license")
    if licensed and not shared and "RasaPro" in (spec.get("profile"), (server or {}).get("profile")):
        spec = {**spec, "rasa": {"license": LICENSE, **spec.get("rasa", {})}}
    environment = DeploymentEnvironment.model_validate(
        {"metadata": {"name": name, "namespace": "bots", "uid": "uid-1"}, "spec": spec}
    )
    model_server = ModelServer.model_validate(
        {
            "metadata": {"name": "default", "namespace": server_namespace},
            "spec": {"url": URL, **({"defaults": defaults} if defaults else {}), **(server or {})},
        }
    )
    merged = merged_spec(environment, model_server)
    named = {variable.name: f"value of {variable.source.key}" for variable in secret_variables(merged)}
    tokens = {"RASA_TOKEN": TOKEN, "RASA_X_TOKEN": PULL_TOKEN}
    return Context(
        environment=environment,
        server=model_server,
        spec=merged,
        secret_values={**tokens, **named, **(secret_values or {})},
        **{"salt": SALT, "operator_pods": OPERATOR_PODS, **details},
    )


def children_by_kind(of: Context) -> dict[str, JsonObject]:
    """The children, by kind; those of the action server as `actions <kind>`."""
    action_server = action_server_key(of.environment.metadata.key).name
    return {
        f"actions {child['kind']}" if child["metadata"]["name"] == action_server else child["kind"]: child
        for child in children(of)
    }
