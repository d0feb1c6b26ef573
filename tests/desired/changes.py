"""Every field of an environment's spec: a change of it, and where that shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from rasa_environments.api.base import ApiModel, ModelServerRef, SecretKeyRef, SecretRef, SecretValue
from rasa_environments.api.deployment_environment import EnvironmentSpec
from tests.desired.change import (
    FIRST,
    POD,
    RASA,
    SECOND,
    Change,
    connection,
    endpoint,
    following,
    rasa,
    ref,
)
from tests.desired.connection_changes import CONNECTION_CHANGES, RASA_PRO_CHANGES

WHOLE = (SecretValue, SecretKeyRef, SecretRef, ModelServerRef)
"""Fields that are one value, although they are mappings."""
ROLLING = ("spec", "strategy", "rollingUpdate")
INGRESS = {"ingress": {"hosts": [{"host": "chat.example.com"}]}}
AUTOSCALING = {"autoscaling": {"maxReplicas": 3}}
NODE_PORT = {"service": {"type": "NodePort"}}

SERVER_CHANGES = (
    Change("tag", None, "live", "ConfigMap", endpoint("models", "url"), "/api/projects/default/models/tags/live"),
    Change(
        "modelServerRef",
        None,
        {"name": "second"},
        "ConfigMap",
        endpoint("models", "url"),
        "/api/projects/second/models/tags/support",
    ),
    Change("role", None, "Worker", "Deployment", ("metadata", "labels", "app.kubernetes.io/component"), "worker"),
    Change("replicas", 0, 1, "Deployment", ("spec", "replicas"), 1),
    Change("authToken", None, ref("first"), "Secret", ("data", "token"), FIRST),
)
"""Fields that only an environment has."""

SHARED_CHANGES = (
    rasa("version", "3.6.21", "3.6.20", (*RASA, "image"), "rasa/rasa:3.6.20-full"),
    rasa("image", None, "registry.example.com/rasa:1", (*RASA, "image")),
    rasa("imagePullPolicy", None, "Always", (*RASA, "imagePullPolicy")),
    rasa("imagePullSecrets", None, [{"name": "registry"}], (*POD, "imagePullSecrets")),
    rasa("port", None, 5006, (*RASA, "ports", "http", "containerPort")),
    rasa("corsOrigins", None, ["https://example.com"], following("--cors"), "https://example.com"),
    rasa("logLevel", None, "Debug", (*RASA, "env", "LOG_LEVEL", "value"), "DEBUG"),
    rasa("workers", None, 2, (*RASA, "env", "SANIC_WORKERS", "value"), "2"),
    rasa("drainSeconds", None, 60, (*RASA, "lifecycle", "preStop", "sleep", "seconds")),
    rasa("extraArgs", None, ["--quiet"], (*RASA, "args", "--quiet"), ""),
    Change(
        "model.updateStrategy", None, "RollingUpdate", "ConfigMap", endpoint("models", "wait_time_between_pulls"), None
    ),
    connection("model.pullPeriodSeconds", None, 3, ("models", "wait_time_between_pulls"), {}),
    Change("model.required", None, False, "Deployment", (*RASA, "readinessProbe", "httpGet", "path"), "/"),
    Change("jwt.key", ref("first"), ref("second"), "Secret", ("data", "jwt-secret"), SECOND),
    Change(
        "jwt.method", None, "HS512", "Deployment", following("--jwt-method"), "HS512", {"jwt": {"key": ref("first")}}
    ),
    *CONNECTION_CHANGES,
    Change("endpoints", None, {"nlg": {"url": "http://nlg"}}, "ConfigMap", endpoint("nlg", "url"), "http://nlg"),
    Change(
        "channels",
        None,
        [{"name": "cmd", "config": {"a": 1}}],
        "ConfigMap",
        ("data", "credentials.yml", "cmd", "a"),
        1,
    ),
    Change("service.type", None, "NodePort", "Service", ("spec", "type"), "NodePort"),
    Change("service.port", None, 80, "Service", ("spec", "ports", "http", "port"), 80),
    Change("service.nodePort", None, 31987, "Service", ("spec", "ports", "http", "nodePort"), 31987, NODE_PORT),
    Change("service.sessionAffinity", None, "ClientIP", "Service", ("spec", "sessionAffinity"), "ClientIP"),
    Change("service.annotations", None, {"a": "1"}, "Service", ("metadata", "annotations", "a"), "1"),
    Change("service.labels", None, {"team": "bots"}, "Service", ("metadata", "labels", "team"), "bots"),
    Change("serviceAccount.annotations", None, {"a": "1"}, "ServiceAccount", ("metadata", "annotations", "a"), "1"),
    Change("deploymentStrategy.type", None, "Recreate", "Deployment", ("spec", "strategy", "type"), "Recreate"),
    Change("deploymentStrategy.rollingUpdate.maxSurge", None, "50%", "Deployment", (*ROLLING, "maxSurge"), "50%"),
    Change("deploymentStrategy.rollingUpdate.maxUnavailable", None, 1, "Deployment", (*ROLLING, "maxUnavailable"), 1),
    Change(
        "ingress.hosts",
        [{"host": "a.example.com"}],
        [{"host": "b.example.com"}],
        "Ingress",
        ("spec", "rules", 0, "host"),
        "b.example.com",
    ),
    Change(
        "ingress.hosts",
        [{"host": "chat.example.com"}],
        [{"host": "chat.example.com", "paths": [{"path": "/chat", "pathType": "Exact"}]}],
        "Ingress",
        ("spec", "rules", 0, "http", "paths", 0, "path"),
        "/chat",
    ),
    Change("ingress.className", None, "nginx", "Ingress", ("spec", "ingressClassName"), "nginx", INGRESS),
    Change(
        "ingress.tls",
        None,
        [{"hosts": ["chat.example.com"], "secretName": "tls"}],
        "Ingress",
        ("spec", "tls", 0, "secretName"),
        "tls",
        INGRESS,
    ),
    Change("ingress.annotations", None, {"a": "1"}, "Ingress", ("metadata", "annotations", "a"), "1", INGRESS),
    Change(
        "networkPolicy.from",
        "None",
        "SameNamespace",
        "NetworkPolicy",
        ("spec", "ingress", 0, "from", 0, "podSelector"),
        {},
        {"networkPolicy": {"allowFrom": [{"podSelector": {"matchLabels": {"app": "web"}}}]}},
    ),
    Change(
        "networkPolicy.allowFrom",
        [],
        [{"podSelector": {"matchLabels": {"app": "web"}}}],
        "NetworkPolicy",
        ("spec", "ingress", 0, "from", 0, "podSelector", "matchLabels"),
        {"app": "web"},
        {"networkPolicy": {"from": "None"}},
    ),
    Change("podDisruptionBudget.minAvailable", 1, 2, "PodDisruptionBudget", ("spec", "minAvailable"), 2),
    Change("podDisruptionBudget.maxUnavailable", 1, "50%", "PodDisruptionBudget", ("spec", "maxUnavailable"), "50%"),
    Change("autoscaling.minReplicas", None, 2, "HorizontalPodAutoscaler", ("spec", "minReplicas"), 2, AUTOSCALING),
    Change("autoscaling.maxReplicas", 3, 4, "HorizontalPodAutoscaler", ("spec", "maxReplicas"), 4),
    Change(
        "autoscaling.targetCPUUtilizationPercentage",
        None,
        60,
        "HorizontalPodAutoscaler",
        ("spec", "metrics", 0, "resource", "target", "averageUtilization"),
        60,
        AUTOSCALING,
    ),
    Change(
        "autoscaling.targetMemoryUtilizationPercentage",
        None,
        70,
        "HorizontalPodAutoscaler",
        ("spec", "metrics", 0, "resource", "name"),
        "memory",
        AUTOSCALING,
    ),
    Change(
        "resources.requests", {"cpu": "1"}, {"cpu": "2"}, "Deployment", (*RASA, "resources", "requests", "cpu"), "2"
    ),
    Change("resources.limits", None, {"memory": "2Gi"}, "Deployment", (*RASA, "resources", "limits", "memory"), "2Gi"),
    Change(
        "podTemplate",
        None,
        {"spec": {"nodeSelector": {"type": "kwok"}}},
        "Deployment",
        (*POD, "nodeSelector"),
        {"type": "kwok"},
    ),
)
"""Fields that may also be in the defaults of a ModelServer."""

CHANGES = (*SERVER_CHANGES, *SHARED_CHANGES)
SEPARATE_CHANGES = (
    *RASA_PRO_CHANGES,
    Change(
        "service.loadBalancerClass",
        None,
        "example.com/internal",
        "Service",
        ("spec", "loadBalancerClass"),
        "example.com/internal",
        {"service": {"type": "LoadBalancer"}},
    ),
)
"""Fields only for environments of Rasa Pro, and one that the API server keeps as it is."""
NOT_SHOWN = frozenset(
    {
        "suspend",
        "environment",
        "profile",
        "ignoreDefaults",
        "model.healing",
        "external.url",
        "external.authToken",
        "eventBroker.sql.query",
        "actionEndpoint.tls.mode",
    }
)
"""Fields excluded: they stop all changes, are immutable, show in no child, have no children, or Rasa lacks them.

Where certificates come from shows in the files that are read (test_tls.py).
"""


def leaf_fields(model: type[ApiModel] = EnvironmentSpec, prefix: str = "") -> Iterator[str]:
    """Yield every field that a user can set, as written in a manifest."""
    for name, info in model.model_fields.items():
        path = prefix + (info.alias or name)
        inner = next((part for part in (info.annotation, *get_args(info.annotation)) if _is_mapping(part)), None)
        if inner is None:
            yield path
        else:
            yield from leaf_fields(inner, f"{path}.")


def _is_mapping(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, ApiModel) and part not in WHOLE
