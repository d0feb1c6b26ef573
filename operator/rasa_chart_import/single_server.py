"""A chart with one Deployment of Rasa servers, whose values are Kubernetes' own in most places."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rasa_chart_import import kinds
from rasa_chart_import.command_lines import extra_arguments
from rasa_chart_import.findings import Path
from rasa_chart_import.pods import (
    CONTAINER,
    additional_containers,
    container_security_context,
    containers,
    named_items,
    pod_labels,
    pod_security_context,
)
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_chart_import.variables import extra_variables
from rasa_environments.api.base import MAXIMUM_NAME_LENGTH, JsonObject
from rasa_environments.api.deployment_environment import SERVICE_NAME_PATTERN
from rasa_environments.desired.context import DEFAULT_PORT
from rasa_environments.desired.entries import present


@dataclass(frozen=True)
class Places:
    """Where a chart has the values of its Deployment."""

    root: Path
    """What is before most of them."""
    variables: str
    init_containers: str
    containers: str
    volumes: str
    volume_mounts: str
    pod_annotations: str
    pod_labels: Path
    pod_security: str
    container_security: str
    host_aliases: Path
    container: str = CONTAINER
    """The container of the server in the operator's pods."""
    pod_template: str = "podTemplate"
    """The field of an environment's spec that is about these pods."""

    def at(self, *keys: str) -> Path:
        """Return the path of a value of the Deployment."""
        return (*self.root, *keys)


def environment_name(environment: str, release: str) -> str:
    """Return the name for an environment: not that of the release, whose Service selects pods by it."""
    words = re.sub(r"[^a-z0-9]+", "-", environment.lower()).strip("-")[:MAXIMUM_NAME_LENGTH].strip("-")
    name = (
        words if re.fullmatch(SERVICE_NAME_PATTERN, words) else f"environment-{words}".strip("-")[:MAXIMUM_NAME_LENGTH]
    )
    return f"{name[: MAXIMUM_NAME_LENGTH - 12]}-environment" if name == release else name


def workload(
    reader: Reader, secrets: SecretValues, places: Places, *, own: Collection[str], before: list[JsonObject]
) -> JsonObject:
    """Return the fields of an environment that describe its Deployment and Service.

    `before` are variables to set first; `own` are names of variables that the file may not set.
    """
    scaled = reader.flag(places.at("autoscaling", "enabled"))
    if not scaled:
        reader.unused(places.at("autoscaling"), "it is not enabled")
    replicas = None if scaled else reader.take(places.at("replicaCount"), kinds.REPLICAS)
    if scaled:
        reader.unused(places.at("replicaCount"), "autoscaling sets the number")
    resources = reader.take(places.at("resources"), kinds.RESOURCES)
    return present(
        replicas=replicas if replicas != 1 else None,
        resources=resources.model_dump(by_alias=True, exclude_none=True) if resources is not None else None,
        deploymentStrategy=strategy(reader, places.at("strategy")),
        autoscaling=autoscaling(reader, places) if scaled else None,
        service=service(reader, places),
        serviceAccount=service_account(reader, places),
        podTemplate=pod_template(reader, secrets, places, own=own, before=before) or None,
    )


def rasa(reader: Reader, places: Places, *, arguments: str, cors: Path) -> JsonObject:
    """Return `rasa` without its image."""
    kept, origins = extra_arguments(reader, places.at(arguments))
    origin = reader.take(cors, kinds.ORIGIN)
    if origin == "*":
        reader.unused(cors, "the operator allows all origins by default")
    if not origins and origin not in (None, "*"):
        origins = [origin]
    return present(corsOrigins=origins or None, extraArgs=kept or None)


def strategy(reader: Reader, place: Path) -> JsonObject | None:
    """Return `deploymentStrategy`."""
    found = reader.take(place, kinds.STRATEGY)
    return found.model_dump(by_alias=True, exclude_none=True) or None if found is not None else None


def autoscaling(reader: Reader, places: Places) -> JsonObject | None:
    """Return `autoscaling`."""
    keys = ("minReplicas", "maxReplicas", "targetCPUUtilizationPercentage", "targetMemoryUtilizationPercentage")
    found = {key: reader.take(places.at("autoscaling", key), kinds.REPLICAS) for key in keys}
    try:
        kinds.AUTOSCALING.validate_python(present(**found))
    except ValueError:
        reader.refuse(places.at("autoscaling"), "its numbers do not fit: set spec.autoscaling")
        return None
    return present(**found)


def service(reader: Reader, places: Places) -> JsonObject | None:
    """Return `service`."""
    place = places.at("service")
    annotations = reader.take((*place, "annotations"), kinds.TEXTS)
    kind = reader.take((*place, "type"), kinds.TEXT)
    port = reader.take((*place, "port"), kinds.PORT)
    node_port = reader.take((*place, "nodePort"), kinds.PORT) if kind in ("NodePort", "LoadBalancer") else None
    if kind not in ("NodePort", "LoadBalancer"):
        for key in ("nodePort", "loadBalancerIP", "externalTrafficPolicy"):
            reader.unused((*place, key), "the chart uses it with type NodePort or LoadBalancer alone")
    if node_port is not None:
        reader.partly(
            (*place, "nodePort"), "not carried over while the chart's Service has it: set spec.service.nodePort then"
        )
    found = present(
        type=kind if kind != "ClusterIP" else None,
        port=port if port != DEFAULT_PORT else None,
        annotations=annotations or None,
    )
    try:
        kinds.SERVICE.validate_python(found)
    except ValueError:
        reader.refuse((*place, "type"), "it must be ClusterIP, NodePort or LoadBalancer")
        return None
    return found or None


def service_account(reader: Reader, places: Places) -> JsonObject | None:
    """Return `serviceAccount`."""
    annotations = reader.take(places.at("serviceAccount", "annotations"), kinds.TEXTS)
    return {"annotations": annotations} if annotations else None


def pod_template(
    reader: Reader,
    secrets: SecretValues,
    places: Places,
    *,
    own: Collection[str],
    before: list[JsonObject],
    further: JsonObject | None = None,
) -> JsonObject:
    """Return `podTemplate`; `further` are fields of the server's container."""
    target = f"{places.pod_template}.spec.containers[{places.container}].env"
    labels = pod_labels(reader, places.pod_labels)
    container = present(
        env=[*before, *extra_variables(reader, secrets, places.at(places.variables), own, target)] or None,
        envFrom=reader.take(places.at("envFrom"), kinds.OBJECTS) or None,
        volumeMounts=named_items(reader, places.at(places.volume_mounts), "mountPath") or None,
        securityContext=container_security_context(reader, places.at(places.container_security)),
        **(further or {}),
    )
    beside = [{"name": places.container, **container}] if container else []
    beside += additional_containers(reader, secrets, places.at(places.containers), places.container)
    pod = present(
        nodeSelector=reader.take(places.at("nodeSelector"), kinds.LABELS) or None,
        tolerations=reader.take(places.at("tolerations"), kinds.OBJECTS) or None,
        affinity=reader.take(places.at("affinity"), kinds.MAPPING) or None,
        hostAliases=named_items(reader, places.host_aliases, "ip") or None,
        securityContext=pod_security_context(reader, places.at(places.pod_security)),
        initContainers=containers(reader, secrets, places.at(places.init_containers)) or None,
        volumes=named_items(reader, places.at(places.volumes), "name") or None,
        containers=beside or None,
    )
    metadata = present(
        labels=labels or None,
        annotations=reader.take(places.at(places.pod_annotations), kinds.TEXTS) or None,
    )
    return present(metadata=metadata or None, spec=pod or None)


def usable_ingress(reader: Reader, place: Path, made: JsonObject, parts: str) -> JsonObject | None:
    """Return `ingress` as made from the chart's, or None, after a refusal, if its `parts` make no Ingress."""
    try:
        kinds.INGRESS.validate_python(made)
    except ValueError:
        reader.refuse(place, f"its {parts} make no Ingress: set spec.ingress")
        return None
    reader.remarks.append(
        "the environment has the Ingress of the chart, for the same host: apply it without spec.ingress until the "
        "chart's is gone (docs/how-to/migrate-from-rasa-helm.md)"
    )
    return made
