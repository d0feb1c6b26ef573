"""The parts of an environment's spec that Kubernetes users know from other workloads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import DNS_SUBDOMAIN_PATTERN, ApiModel, ObjectName, Port, Rule, SecretKeyRef, Text, api_config, rules

QUANTITY_PATTERN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE])?$"
Quantity = Annotated[int | str, Field(json_schema_extra={"x-kubernetes-int-or-string": True, "pattern": QUANTITY_PATTERN})]
Percentage = Annotated[int, Field(ge=1, le=1000)]
Amount = Annotated[
    int | str,
    Field(json_schema_extra={"x-kubernetes-int-or-string": True, "pattern": r"^((100|[0-9]{1,2})%|[0-9]+)$"}),
]
StringMap = Annotated[dict[str, str], Field(max_length=64)]
QuantityMap = Annotated[dict[str, Quantity], Field(max_length=16)]


class Resources(ApiModel):
    """Compute resources of the rasa container."""

    requests: QuantityMap | None = None
    """What is reserved, for example {cpu: 500m, memory: 1Gi}."""
    limits: QuantityMap | None = None
    """What must not be exceeded."""


class Service(ApiModel):
    """The environment's Service."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] | None = None
    """Type; default ClusterIP."""
    port: Port | None = None
    """Port; default that of the Rasa server."""
    annotations: StringMap | None = None
    """Annotations of the Service."""
    labels: StringMap | None = None
    """More labels of the Service."""


class Ingress(ApiModel):
    """An Ingress for the environment's channels. Mind that the webhooks ask for no token."""

    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^(\*\.)?" + DNS_SUBDOMAIN_PATTERN.removeprefix("^"))]
    """Host name."""
    path: Annotated[str, Field(min_length=1, max_length=1024, pattern="^/")] | None = None
    """Path prefix; default /webhooks, which leaves the server's own API inside the cluster."""
    class_name: ObjectName | None = None
    """Ingress class; default the cluster's."""
    tls_secret_name: ObjectName | None = None
    """Secret with the certificate."""
    annotations: StringMap | None = None
    """Annotations of the Ingress."""


class LabelSelector(ApiModel):
    """Labels that something must carry."""

    match_labels: StringMap
    """All of these labels; none: everything."""


class IpBlock(ApiModel):
    """A range of addresses."""

    cidr: Annotated[str, Field(min_length=1, max_length=64)]
    """The range, for example 10.0.0.0/8."""


class Peer(ApiModel):
    """Who may connect: the selectors that are set must all match."""

    model_config = api_config(
        rules(
            Rule(
                "has(self.ipBlock) ? !has(self.namespaceSelector) && !has(self.podSelector)"
                " : has(self.namespaceSelector) || has(self.podSelector)",
                "set either ipBlock, or namespaceSelector and podSelector, or one of the two",
            )
        )
    )

    namespace_selector: LabelSelector | None = None
    """Namespaces; absent: the environment's own."""
    pod_selector: LabelSelector | None = None
    """Pods."""
    ip_block: IpBlock | None = None
    """Addresses."""


class NetworkPolicy(ApiModel):
    """A NetworkPolicy that closes the environment's port to all but these."""

    allow_from: Annotated[list[Peer], Field(max_length=64)] | None = None
    """Who may connect, besides the operator's checks; absent: pods of the environment's own namespace."""


class PodDisruptionBudget(ApiModel):
    """How many pods an eviction may take away."""

    model_config = api_config(
        rules(
            Rule(
                "has(self.minAvailable) != has(self.maxUnavailable)",
                "set either minAvailable or maxUnavailable",
            )
        )
    )

    min_available: Amount | None = None
    """Pods that must stay, as a number or percentage."""
    max_unavailable: Amount | None = None
    """Pods that may be away, as a number or percentage."""


class Autoscaling(ApiModel):
    """A HorizontalPodAutoscaler; it decides the replicas, `spec.replicas` does not."""

    model_config = api_config(
        rules(
            Rule(
                "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
                "minReplicas must not be greater than maxReplicas",
            )
        )
    )

    min_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Fewest replicas; default 1."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)]
    """Most replicas."""
    target_cpu_utilization_percentage: Percentage | None = None
    """CPU use, in percent of the request, that is aimed at; default 80 when no memory target is set."""
    target_memory_utilization_percentage: Percentage | None = None
    """Memory use, in percent of the request, that is aimed at."""


class Jwt(ApiModel):
    """A second way to authenticate at the Rasa server: signed JSON Web Tokens."""

    secret_key_ref: SecretKeyRef
    """The secret, or the public key, that tokens are checked with."""
    method: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512"] | None = None
    """Algorithm; default HS256."""


class PullSecret(ApiModel):
    """A Secret with registry credentials."""

    name: ObjectName
    """Name of the Secret."""


IMAGE_PATTERN = r"^[^\s]+$"
VERSION_PATTERN = r"^[0-9]+\.[0-9]+\.[0-9]+([a-z0-9.+-]*)$"


class Rasa(ApiModel):
    """The Rasa server itself."""

    version: Annotated[str, Field(max_length=64, pattern=VERSION_PATTERN)] | None = None
    """Version of Rasa, for example 3.6.21; it chooses the image unless `image` is set."""
    image: Annotated[str, Field(min_length=1, max_length=512, pattern=IMAGE_PATTERN)] | None = None
    """Container image; default rasa/rasa:<version>-full."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled; default as Kubernetes decides by the image's tag."""
    image_pull_secrets: Annotated[list[PullSecret], Field(max_length=16)] | None = None
    """Secrets to pull the image with."""
    port: Port | None = None
    """Port of the server; default 5005."""
    cors: Text | None = None
    """Origin that browsers may call from; default `*`."""
    log_level: Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"] | None = None
    """Log level; default that of Rasa."""
    extra_args: Annotated[list[Text], Field(max_length=64)] | None = None
    """More arguments of `rasa run`."""
