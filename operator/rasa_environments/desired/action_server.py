"""The action server next to an environment: a Deployment of its own, which the environment's pods alone can reach."""

from __future__ import annotations

from typing import Final

from rasa_environments.api.action_server import ActionServer
from rasa_environments.api.base import MAXIMUM_NAME_LENGTH_WITH_ACTIONS, JsonObject, ObjectKey
from rasa_environments.desired.context import (
    ENVIRONMENT_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    NAME_OF_ACTION_SERVERS,
    Context,
    action_server_key,
)
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import layers
from rasa_environments.desired.pod_template import merge_pod_template

CONTAINER: Final = "actions"
DEFAULT_PORT: Final = 5055
"""Port of the Rasa SDK (rasa_sdk/constants.py)."""
WEBHOOK_PATH: Final = "/webhook"
HEALTH_PATH: Final = "/health"
"""Answers 200 once the server listens (rasa_sdk/endpoint.py)."""
PORT_NAME: Final = "http"
KINDS: Final = ("ServiceAccount", "Service", "NetworkPolicy", "PodDisruptionBudget", "Deployment")
"""Kinds of the children, which are deleted once the spec no longer asks for an action server."""
PLACE: Final = "spec.actionServer.podTemplate"
DRAIN_SECONDS: Final = 5
"""Seconds that a terminating pod continues to answer, until Services have removed it."""


def base_url(context: Context, wanted: ActionServer) -> str:
    """Return the URL of the action server inside the cluster."""
    key = action_server_key(context.environment.metadata.key)
    return f"http://{key.name}.{key.namespace}.svc:{port_of(wanted)}"


def webhook(context: Context, wanted: ActionServer) -> str:
    """Return the URL that Rasa calls."""
    return base_url(context, wanted) + WEBHOOK_PATH


def port_of(wanted: ActionServer) -> int:
    """Return the port of the action server."""
    return wanted.port or DEFAULT_PORT


def children_of_action_server(context: Context, wanted: ActionServer) -> tuple[JsonObject, ...]:
    """Return the objects of the action server, the Deployment last. Raises SpecError where the spec cannot work."""
    key = _key(context)
    budget = wanted.pod_disruption_budget
    return (
        service_account(context, wanted),
        service(context, wanted),
        network_policy(context),
        *([pod_disruption_budget(context, wanted)] if budget is not None else []),
        deployment(context, wanted, key),
    )


def _key(context: Context) -> ObjectKey:
    environment = context.environment.metadata
    if len(environment.name) > MAXIMUM_NAME_LENGTH_WITH_ACTIONS:
        raise SpecError(
            f"metadata.name has {len(environment.name)} characters, and may have at most "
            f"{MAXIMUM_NAME_LENGTH_WITH_ACTIONS} with spec.actionServer: the Service of the action server is called "
            "<name>-actions; create the environment under a shorter name, or name actionServer in spec.ignoreDefaults"
        )
    return action_server_key(environment.key)


def selector(context: Context) -> dict[str, str]:
    """Return labels that select the pods of the action server."""
    return {NAME_LABEL: NAME_OF_ACTION_SERVERS, INSTANCE_LABEL: context.environment.metadata.name}


def service_account(context: Context, wanted: ActionServer) -> JsonObject:
    """Return an account without permissions and without a mounted token."""
    annotations = wanted.service_account.annotations if wanted.service_account else None
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(context, annotations),
        "automountServiceAccountToken": False,
    }


def service(context: Context, wanted: ActionServer) -> JsonObject:
    """Return the Service that Rasa calls."""
    port = {"name": PORT_NAME, "port": port_of(wanted), "protocol": "TCP", "targetPort": PORT_NAME}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(context),
        "spec": {"type": "ClusterIP", "selector": selector(context), "ports": [port]},
    }


def network_policy(context: Context) -> JsonObject:
    """Return a policy that admits the environment's Rasa servers, its candidate included, and nobody else.

    An action server asks for no token.
    """
    rasa = [{"podSelector": {"matchLabels": labels}} for labels in (context.selector, context.candidate_selector)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(context),
        "spec": {
            "podSelector": {"matchLabels": selector(context)},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": rasa, "ports": [{"port": PORT_NAME, "protocol": "TCP"}]}],
        },
    }


def pod_disruption_budget(context: Context, wanted: ActionServer) -> JsonObject:
    """Return a limit on how many pods may be evicted at the same time."""
    budget = wanted.pod_disruption_budget
    limits = budget.model_dump(by_alias=True, exclude_none=True) if budget is not None else {}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(context),
        "spec": {"selector": {"matchLabels": selector(context)}, **limits},
    }


def deployment(context: Context, wanted: ActionServer, key: ObjectKey) -> JsonObject:
    """Return the Deployment: new pods must be ready before old ones stop. Raises SpecError."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(context),
        "spec": {
            "replicas": wanted.replicas or 1,
            "selector": {"matchLabels": selector(context)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": 900,
            "template": pod_template(context, wanted, key),
        },
    }


def pod_template(context: Context, wanted: ActionServer, key: ObjectKey) -> JsonObject:
    """Return the pod template with the user's podTemplate merged into it.

    It meets the Pod Security level `restricted`, and is writable under /tmp only. Raises SpecError.
    """
    pod: JsonObject = {
        "serviceAccountName": key.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container(context, wanted)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if wanted.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": pull_secret.name} for pull_secret in wanted.image_pull_secrets]
    labels = {
        **selector(context),
        MANAGED_BY_LABEL: MANAGED_BY,
        ENVIRONMENT_LABEL: context.environment.environment,
    }
    template: JsonObject = {"metadata": {"labels": labels}, "spec": pod}
    for spec, _ in reversed(layers(context.environment, context.server)):
        if spec.action_server is not None and spec.action_server.pod_template:
            template = merge_pod_template(template, spec.action_server.pod_template, PLACE)
    return _checked(template, context, image_of(context, wanted))


def image_of(context: Context, wanted: ActionServer) -> str:
    """Return the image. Raises SpecError where none is given."""
    if wanted.image is None:
        raise SpecError(
            "spec.actionServer.image is missing: set it, for example to registry.example.com/actions:1.0, here, in "
            f"spec.defaults of ModelServer {context.server.metadata.key}, or in the ModelTag of the tag "
            f"{context.environment.tag} in this namespace"
        )
    return wanted.image


def container(context: Context, wanted: ActionServer) -> JsonObject:
    """Return the container of the action server. Raises SpecError where it has no image."""
    result: JsonObject = {
        "name": CONTAINER,
        "image": image_of(context, wanted),
        "env": [
            {"name": "RASA_ENVIRONMENT", "value": context.environment.environment},
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - the only writable directory
        ],
        "ports": [{"name": PORT_NAME, "containerPort": port_of(wanted), "protocol": "TCP"}],
        "startupProbe": _probe(period=5, failures=60),
        "livenessProbe": _probe(period=30, failures=5),
        "readinessProbe": _probe(period=5, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    if wanted.image_pull_policy is not None:
        result["imagePullPolicy"] = wanted.image_pull_policy
    if wanted.resources is not None:
        result["resources"] = wanted.resources.model_dump(by_alias=True, exclude_none=True)
    return result


def _probe(*, period: int, failures: int) -> JsonObject:
    return {
        "httpGet": {"path": HEALTH_PATH, "port": PORT_NAME},
        "periodSeconds": period,
        "timeoutSeconds": 10,
        "failureThreshold": failures,
    }


def metadata(context: Context, annotations: dict[str, str] | None = None) -> JsonObject:
    """Return the metadata of a child: its name, labels and owner reference."""
    labels = {**context.labels, **selector(context), "app.kubernetes.io/component": "action-server"}
    name = action_server_key(context.environment.metadata.key).name
    return {**context.metadata(annotations=annotations), "name": name, "labels": labels}


def _checked(template: JsonObject, context: Context, image: str) -> JsonObject:
    labels = template.get("metadata", {}).get("labels", {})
    for label, value in selector(context).items():
        if labels.get(label) != value:
            raise SpecError(f"{PLACE}.metadata.labels may not change {label}={value}: the Service selects pods by it")
    containers = template.get("spec", {}).get("containers") or []
    server = next((item for item in containers if item["name"] == CONTAINER), None)
    if server is None:
        raise SpecError(f"{PLACE} removes the container {CONTAINER}: keep it, and add others beside it")
    if server.get("image") != image:
        raise SpecError(f"{PLACE} sets the image of the container {CONTAINER}: set spec.actionServer.image instead")
    return template
