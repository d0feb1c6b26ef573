"""The Deployment of the Rasa servers."""

from __future__ import annotations

from hashlib import sha256

import orjson

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import Role
from rasa_environments.desired.context import (
    CONFIG_DIGEST_ANNOTATION,
    ENVIRONMENT_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    MODEL_HASH_ANNOTATION,
    Context,
)
from rasa_environments.desired.databases import variables_of_events_database
from rasa_environments.desired.errors import LicenseMissingError, SpecError
from rasa_environments.desired.merging import layers
from rasa_environments.desired.pod_template import merge_pod_template
from rasa_environments.desired.profiles import (
    CREDENTIALS_FILE,
    ENDPOINTS_FILE,
    LEGACY_LICENSE_VARIABLE,
    image_of,
    profile_of,
)
from rasa_environments.desired.readiness import readiness_command
from rasa_environments.desired.releases import is_rasa_pro
from rasa_environments.desired.secret_variables import LICENSE_VARIABLE, key_of
from rasa_environments.desired.service import PORT_NAME
from rasa_environments.desired.tls import certificate_mount, certificate_volume, variables_of_certificates

CONTAINER = "rasa"
WORKING_DIRECTORY = "/app"
WORKERS_VARIABLE = "SANIC_WORKERS"
LICENSE_VARIABLES = frozenset({LICENSE_VARIABLE, LEGACY_LICENSE_VARIABLE})
QUIET_LEVELS = ("WARNING", "ERROR", "CRITICAL")
"""Values of LOG_LEVEL_LIBRARIES at which no library logs a URL (source: rasa/utils/common.py)."""
DRAIN_SECONDS = 5
"""Seconds that a terminating pod continues to answer: Rasa closes its port at SIGTERM, before Services remove the
pod."""
SECONDS_TO_END = 30
"""Seconds that a pod has afterwards if the spec sets drainSeconds; the default grace period of Kubernetes."""


def deployment(context: Context, *, config: JsonObject, secret: JsonObject) -> JsonObject:
    """Return the Deployment; changes of `config` and `secret` roll the pods.

    Raises SpecError where the pod template does not fit.
    """
    spec: JsonObject = {
        "selector": {"matchLabels": context.selector},
        "strategy": strategy(context),
        "progressDeadlineSeconds": 900,
        "template": pod_template(context, digest(config["data"], secret["data"])),
    }
    if context.spec.autoscaling is None:
        spec["replicas"] = context.spec.replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": context.metadata(), "spec": spec}


def strategy(context: Context) -> JsonObject:
    """Return the update strategy; by default, new pods must be ready before old ones stop."""
    wanted = context.spec.deployment_strategy
    if wanted is not None and wanted.type == "Recreate":
        return {"type": "Recreate"}
    numbers = wanted.rolling_update if wanted is not None else None
    given = numbers.model_dump(by_alias=True, exclude_none=True) if numbers is not None else {}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0, **given}}


def digest(*parts: object) -> str:
    """Return a short digest of configuration; the Secret's salt keeps weak passwords from being guessed from it."""
    return sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def pod_template(context: Context, config_digest: str) -> JsonObject:
    """Return the pod template with the user's podTemplate merged into it.

    It meets the Pod Security level `restricted`, and is writable under /tmp only.
    """
    annotations = {CONFIG_DIGEST_ANNOTATION: config_digest}
    if context.rolls_on_promotion and context.model_hash:
        annotations[MODEL_HASH_ANNOTATION] = context.model_hash
    rasa = context.spec.rasa
    pod: JsonObject = {
        "serviceAccountName": context.key.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container(context)],
        "volumes": [
            {"name": "config", "configMap": {"name": context.key.name}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "models", "emptyDir": {}},
            *([certificate_volume(context)] if context.certificates else []),
        ],
    }
    if rasa is not None and rasa.drain_seconds is not None:
        pod["terminationGracePeriodSeconds"] = rasa.drain_seconds + SECONDS_TO_END
    if rasa is not None and rasa.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": pull_secret.name} for pull_secret in rasa.image_pull_secrets]
    template: JsonObject = {
        "metadata": {
            "labels": {
                **context.selector,
                MANAGED_BY_LABEL: MANAGED_BY,
                ENVIRONMENT_LABEL: context.environment.environment,
            },
            "annotations": annotations,
        },
        "spec": pod,
    }
    return _checked(with_pod_templates(template, context), context)


def with_pod_templates(template: JsonObject, context: Context) -> JsonObject:
    """Merge the podTemplate of the defaults and then that of the environment into a template.

    Raises SpecError where one does not fit.
    """
    for spec, _ in reversed(layers(context.environment, context.server)):
        if spec.pod_template:
            template = merge_pod_template(template, spec.pod_template)
    return template


def container(context: Context) -> JsonObject:
    """Return the container of the Rasa server."""
    rasa = context.spec.rasa
    result: JsonObject = {
        "name": CONTAINER,
        "image": image_of(context),
        "args": profile_of(context).arguments(context),
        "workingDir": WORKING_DIRECTORY,
        "env": variables(context),
        "ports": [{"name": PORT_NAME, "containerPort": context.port, "protocol": "TCP"}],
        "startupProbe": _http_probe(period=5, failures=120),
        "livenessProbe": _http_probe(period=30, failures=10),
        "readinessProbe": _readiness_probe(context),
        **drain(context),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            *(
                {"name": "config", "mountPath": f"{WORKING_DIRECTORY}/{file}", "subPath": file, "readOnly": True}
                for file in (ENDPOINTS_FILE, CREDENTIALS_FILE)
            ),
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "models", "mountPath": f"{WORKING_DIRECTORY}/models"},
            *([certificate_mount()] if context.certificates else []),
        ],
    }
    if rasa is not None and rasa.image_pull_policy is not None:
        result["imagePullPolicy"] = rasa.image_pull_policy
    if context.spec.resources is not None:
        result["resources"] = context.spec.resources.model_dump(by_alias=True, exclude_none=True)
    return result


def drain(context: Context) -> JsonObject:
    """Return the preStop hook that lets a pod drain; older API servers reject a sleep of 0 seconds."""
    rasa = context.spec.rasa
    seconds = rasa.drain_seconds if rasa is not None and rasa.drain_seconds is not None else DRAIN_SECONDS
    return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}} if seconds else {}


def variables(context: Context) -> list[JsonObject]:
    """Return the container's variables; secret values are references to the environment's own Secret."""
    rasa = context.spec.rasa
    plain = {
        "RASA_ENVIRONMENT": context.environment.environment,
        "RASA_MODEL_SERVER": context.model_url,
        "RASA_X_HOST": context.server_url,
        **profile_of(context).variables(context),
        **({"LOG_LEVEL": rasa.log_level.upper()} if rasa is not None and rasa.log_level is not None else {}),
        **({WORKERS_VARIABLE: str(rasa.workers)} if rasa is not None and rasa.workers is not None else {}),
        # Only /tmp is writable: telemetry settings, matplotlib's cache and the training cache go there.
        "HOME": "/tmp",  # noqa: S108
        "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
        "RASA_CACHE_DIRECTORY": "/tmp/rasa-cache",  # noqa: S108
        "RASA_TELEMETRY_ENABLED": "false",
        **variables_of_certificates(context),
        **variables_of_events_database(context),
    }
    names = {name: name for name in sorted(context.secret_values)}
    repeated = profile_of(context).repeated_variables.items()
    names |= {name: variable for name, variable in repeated if variable in context.secret_values}
    secret_entries = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": context.key.name, "key": key_of(variable)}}}
        for name, variable in names.items()
    ]
    return [{"name": name, "value": value} for name, value in plain.items()] + secret_entries


def _http_probe(*, period: int, failures: int) -> JsonObject:
    """Return a probe of `GET /`, which needs no token.

    Rasa does not answer while it loads a model, hence the long timeouts.
    """
    return {
        "httpGet": {"path": "/", "port": PORT_NAME},
        "periodSeconds": period,
        "timeoutSeconds": 10,
        "failureThreshold": failures,
    }


def _readiness_probe(context: Context) -> JsonObject:
    if not context.model_required:
        return _http_probe(period=5, failures=3)
    return {
        "exec": {"command": readiness_command(context.port, ready_if_none_is_wanted=_ready_if_none_is_wanted(context))},
        "periodSeconds": 10,
        "timeoutSeconds": 10,
        "failureThreshold": 3,
    }


def _ready_if_none_is_wanted(context: Context) -> bool:
    """Return whether Rasa X must reach this environment before it has a model.

    Rasa X asks production for its version before it accepts a first model, and has worker train it.
    """
    return context.role is not Role.CUSTOM and profile_of(context).asks_production


def _checked(template: JsonObject, context: Context) -> JsonObject:
    labels = template.get("metadata", {}).get("labels", {})
    for label, value in context.selector.items():
        if labels.get(label) != value:
            raise SpecError(
                f"spec.podTemplate.metadata.labels may not change {label}={value}: the Service selects pods by it"
            )
    containers = template.get("spec", {}).get("containers") or []
    server = next((item for item in containers if item["name"] == CONTAINER), None)
    if server is None:
        raise SpecError(f"spec.podTemplate removes the container {CONTAINER}: keep it, and add others beside it")
    values = {entry["name"]: entry.get("value") for entry in server.get("env") or []}
    if is_rasa_pro(context) and not values.keys() & LICENSE_VARIABLES and not server.get("envFrom"):
        raise LicenseMissingError(context.server.metadata.key)
    if values.get("RASA_ENVIRONMENT") != context.environment.environment:
        raise SpecError("spec.podTemplate sets or removes RASA_ENVIRONMENT: set spec.environment instead")
    if values.get("LOG_LEVEL_LIBRARIES", QUIET_LEVELS[0]) not in QUIET_LEVELS:
        raise SpecError(
            "spec.podTemplate sets LOG_LEVEL_LIBRARIES: below WARNING, Rasa's libraries log the URLs of requests, "
            "with tokens in them; set it to WARNING, ERROR or CRITICAL, and use spec.rasa.logLevel for messages of "
            "Rasa itself"
        )
    return template
