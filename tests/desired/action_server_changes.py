"""Every field of an environment's action server: a change of it, and where that shows."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import JsonObject
from tests.desired.change import POD, Change, Path, endpoint

GIVEN: JsonObject = {"actionServer": {"image": "registry.example.com/actions:1"}}
ACTIONS = (*POD, "containers", "actions")
DEPLOYMENT = "actions Deployment"


def action_server(name: str, before: Any, after: Any, path: Path, kind: str = DEPLOYMENT) -> Change:
    """Return a change of the action server, which shows unchanged."""
    return Change(f"actionServer.{name}", before, after, kind, path, after, GIVEN)


ACTION_SERVER_CHANGES = (
    action_server("image", "registry.example.com/actions:1", "registry.example.com/actions:2", (*ACTIONS, "image")),
    action_server("imagePullPolicy", None, "Always", (*ACTIONS, "imagePullPolicy")),
    action_server("imagePullSecrets", None, [{"name": "registry"}], (*POD, "imagePullSecrets")),
    action_server("port", None, 5056, (*ACTIONS, "ports", "http", "containerPort")),
    action_server("port", None, 5056, ("spec", "ports", "http", "port"), "actions Service"),
    action_server("replicas", None, 2, ("spec", "replicas")),
    action_server("resources.requests", None, {"cpu": "2"}, (*ACTIONS, "resources", "requests")),
    action_server("resources.limits", None, {"memory": "2Gi"}, (*ACTIONS, "resources", "limits")),
    action_server(
        "serviceAccount.annotations", None, {"a": "1"}, ("metadata", "annotations"), "actions ServiceAccount"
    ),
    action_server("podDisruptionBudget.minAvailable", 1, 2, ("spec", "minAvailable"), "actions PodDisruptionBudget"),
    action_server(
        "podDisruptionBudget.maxUnavailable", 1, "50%", ("spec", "maxUnavailable"), "actions PodDisruptionBudget"
    ),
    Change(
        "actionServer.podTemplate",
        None,
        {"spec": {"nodeSelector": {"type": "kwok"}}},
        DEPLOYMENT,
        (*POD, "nodeSelector"),
        {"type": "kwok"},
        GIVEN,
    ),
)
"""Changes of the action server's children."""
PORT_CHANGE = Change(
    "actionServer.port",
    None,
    5056,
    "ConfigMap",
    endpoint("action_endpoint", "url"),
    "http://support-actions.bots.svc:5056/webhook",
    GIVEN,
)
"""A change of the action server that the Rasa servers must know."""
