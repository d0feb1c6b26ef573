"""The parts of an environment's spec that Kubernetes users know from other workloads."""

from __future__ import annotations

import re
from ipaddress import IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from rasa_environments.api.base import DNS_SUBDOMAIN, ApiModel, ObjectName, Port, SecretKeyRef, Text, without_nulls
from rasa_environments.api.rules import Keyed, Rule, matches, rule


def int_or_string(pattern: str, message: str) -> Rule[int | str]:
    """The rule that a value is a number from 0, or text that matches `pattern`."""
    text = matches(pattern, message)

    def holds(value: int | str) -> bool:
        return text.holds(value) if isinstance(value, str) else value >= 0

    return Rule(f"type(self) == int ? self >= 0 : {text.cel}", message, holds)


LONGEST_TEXT = 32


def _number_or_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("int_or_string", "must be a whole number or text")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise PydanticCustomError("too_long", "must have at most {limit} characters", {"limit": LONGEST_TEXT})
    return value


IntOrString = Annotated[
    int | str,
    BeforeValidator(_number_or_text),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": LONGEST_TEXT}),
]
Quantity = Annotated[
    IntOrString,
    int_or_string(
        r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2}|[KMGTPE]i|[numkMGTPE])?$",
        "must be a quantity such as 2, 500m or 1Gi",
    ),
]
Amount = Annotated[
    IntOrString,
    int_or_string("^(100|[0-9]{1,2})%$", "must be a number of pods such as 1, or a percentage such as '50%'"),
]
Percentage = Annotated[int, Field(ge=1, le=1000, strict=True)]
StringMap = Annotated[dict[str, str], Field(max_length=64), BeforeValidator(without_nulls)]
QuantityMap = Annotated[dict[str, Quantity], Field(max_length=16), BeforeValidator(without_nulls)]


class Resources(ApiModel):
    """Compute resources of the rasa container."""

    requests: QuantityMap | None = None
    """What is reserved, for example {cpu: 500m, memory: 1Gi}."""
    limits: QuantityMap | None = None
    """What must not be exceeded, for example {memory: 2Gi}."""


class Service(ApiModel):
    """The environment's Service."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] | None = None
    """Type of the Service, which decides from where it is reached; default ClusterIP."""
    port: Port | None = None
    """Port at which the Service is reached; default that of the Rasa server."""
    annotations: StringMap | None = None
    """Annotations of the Service, for example those that a cloud's load balancer reads."""
    labels: StringMap | None = None
    """Labels of the Service besides those that the operator sets."""


IngressPath = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    matches(
        "^(/[A-Za-z0-9_~!$&()*+,;=:@-][A-Za-z0-9._~!$&()*+,;=:@-]*)*/?$",
        "must be a path such as /webhooks: it begins with /, and no part of it is empty or begins with a dot",
    ),
]


class Ingress(ApiModel):
    """An Ingress for the environment's channels. Mind that the webhooks ask for no token."""

    host: Annotated[
        str,
        Field(max_length=253),
        matches(
            rf"^(\*\.)?{DNS_SUBDOMAIN}$",
            "must be a host name in lower case, for example chat.example.com: no scheme, no port, no path",
        ),
    ]
    """Host name under which the channels are reached, for example chat.example.com. Only one environment of the cluster
    gets it, also by a wildcard; where the ModelServer's defaults name it, that is the oldest."""
    path: IngressPath | None = None
    """Path prefix; default /webhooks, which leaves the server's own API inside the cluster."""
    class_name: ObjectName | None = None
    """Ingress class; default the cluster's."""
    tls_secret_name: ObjectName | None = None
    """Secret with the certificate of the host (type kubernetes.io/tls); absent: no TLS."""
    annotations: StringMap | None = None
    """Annotations of the Ingress, for example those that its controller reads."""


class LabelRequirement(ApiModel):
    """What holds of one label."""

    @rule(
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "In and NotIn need values, Exists and DoesNotExist take none",
    )
    def _values_as_the_operator_needs(self) -> bool:
        return (self.operator in {"In", "NotIn"}) == bool(self.values)

    key: Annotated[str, Field(min_length=1, max_length=317)]
    """Key of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label's value relates to `values`."""
    values: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64)] | None = None
    """Values of the label, for In and NotIn."""


class LabelSelector(ApiModel):
    """Labels that something must carry; empty: everything."""

    match_labels: StringMap | None = None
    """All of these labels."""
    match_expressions: Annotated[list[LabelRequirement], Field(max_length=16)] | None = None
    """All of these requirements."""


def is_cidr(value: str) -> bool:
    """Whether CEL's isCIDR holds: it wants a prefix length, without leading zeros, and no IPv4 address in IPv6 form."""
    if re.fullmatch("[0-9A-Fa-f.:]+/(0|[1-9][0-9]{0,2})", value) is None:
        return False
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return not (isinstance(network, IPv6Network) and network.network_address.ipv4_mapped)


class IpBlock(ApiModel):
    """A range of addresses."""

    cidr: Annotated[
        str,
        Field(max_length=64),
        Rule("isCIDR(self)", "must be a range of addresses such as 10.0.0.0/8 or fd00::/8", is_cidr),
    ]
    """The range, for example 10.0.0.0/8."""


class Peer(ApiModel):
    """Who may connect: the selectors that are set must all match."""

    @rule(
        "has(self.ipBlock) ? !has(self.namespaceSelector) && !has(self.podSelector)"
        " : has(self.namespaceSelector) || has(self.podSelector)",
        "set either ipBlock, or namespaceSelector and podSelector, or one of the two",
    )
    def _addresses_or_pods(self) -> bool:
        selectors = self.namespace_selector is not None or self.pod_selector is not None
        return selectors != (self.ip_block is not None)

    namespace_selector: LabelSelector | None = None
    """Labels of the namespaces whose pods may connect; empty: all; absent: the environment's own namespace."""
    pod_selector: LabelSelector | None = None
    """Labels of the pods that may connect; empty or absent: all pods of those namespaces."""
    ip_block: IpBlock | None = None
    """Range of addresses from which anybody may connect."""


class NetworkPolicy(ApiModel):
    """A NetworkPolicy that closes the environment's port to all but these."""

    allow_from: Annotated[list[Peer], Field(max_length=64)] | None = None
    """Who may connect, besides the operator's pods; empty: nobody; absent: pods of the environment's own namespace."""


class PodDisruptionBudget(ApiModel):
    """How many pods an eviction may take away."""

    @rule("has(self.minAvailable) != has(self.maxUnavailable)", "set either minAvailable or maxUnavailable")
    def _one_amount(self) -> bool:
        return (self.min_available is None) != (self.max_unavailable is None)

    min_available: Amount | None = None
    """Pods that must stay, as a number or percentage."""
    max_unavailable: Amount | None = None
    """Pods that may be away, as a number or percentage."""


class Autoscaling(ApiModel):
    """A HorizontalPodAutoscaler; it decides the replicas, `spec.replicas` does not."""

    @rule(
        "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
        "minReplicas must not be greater than maxReplicas",
    )
    def _range(self) -> bool:
        return self.min_replicas is None or self.min_replicas <= self.max_replicas

    min_replicas: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    """Number of pods that it never goes below; default 1."""
    max_replicas: Annotated[int, Field(ge=1, le=1000, strict=True)]
    """Number of pods that it never goes above."""
    target_cpu_utilization_percentage: Percentage | None = Field(default=None, alias="targetCPUUtilizationPercentage")
    """CPU use, in percent of the request, that is aimed at; default 80 when no memory target is set."""
    target_memory_utilization_percentage: Percentage | None = None
    """Memory use, in percent of the request, that is aimed at."""


class Jwt(ApiModel):
    """A second way to authenticate at the Rasa server: signed JSON Web Tokens."""

    secret_key_ref: SecretKeyRef
    """The secret, or the public key, that tokens are checked with."""
    method: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512"] | None = None
    """Algorithm that tokens are signed with; default HS256."""


class PullSecret(ApiModel):
    """A Secret with registry credentials."""

    name: ObjectName
    """Name of the Secret with the registry's credentials."""


Version = Annotated[
    str,
    Field(max_length=64),
    matches(r"^[0-9]+\.[0-9]+\.[0-9]+[a-z0-9.+-]*$", "must be a whole version of Rasa, for example 3.6.21"),
]
Image = Annotated[
    str,
    Field(max_length=512),
    matches("^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", "must be an image, for example rasa/rasa:3.6.21-full"),
]
OWN_ARGUMENTS = "--auth-token|--cors|--credentials|--endpoints|--jwt-method|--jwt-secret|--port|-p|-t"
OWN_ARGUMENT_PATTERN = f"^({OWN_ARGUMENTS})(=.*)?$"
Argument = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    Rule(
        f"!self.matches('{OWN_ARGUMENT_PATTERN}')",
        "is set by the operator: use authToken, jwt, rasa.port, rasa.cors, endpoints or credentials of the spec",
        lambda argument: re.fullmatch(OWN_ARGUMENT_PATTERN, argument) is None,
    ),
]


class Rasa(ApiModel):
    """The Rasa server itself."""

    version: Version | None = None
    """Version of Rasa, for example 3.6.21; it chooses the image unless `image` is set."""
    image: Image | None = None
    """Container image of the Rasa server; default rasa/rasa:<version>-full."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled; default as Kubernetes decides by the image's tag."""
    image_pull_secrets: Annotated[list[PullSecret], Field(max_length=16), Keyed(("name",))] | None = None
    """Secrets with the registry's credentials that the image is pulled with."""
    port: Port | None = None
    """Port that the Rasa server listens at; default 5005."""
    cors: Text | None = None
    """Origin that browsers may call from; default `*`."""
    log_level: Literal["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"] | None = None
    """Least severe messages that Rasa logs; default as Rasa decides."""
    extra_args: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Arguments of the command besides those that the operator writes, for example [--debug]."""
