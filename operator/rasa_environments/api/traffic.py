"""Traffic to an environment: its Service, Ingress and NetworkPolicy."""

from __future__ import annotations

import re
from ipaddress import IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rasa_environments.api.base import ATOMIC, DNS_SUBDOMAIN, ApiModel, ObjectName, Port, without_nulls
from rasa_environments.api.rules import BOUNDED_KEYS, Keyed, Rule, matches, merged_rule, required, rule

LabelMap = Annotated[
    dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=64), BOUNDED_KEYS, BeforeValidator(without_nulls)
]
AnnotationMap = Annotated[
    dict[str, Annotated[str, Field(max_length=16384)]],
    Field(max_length=64),
    BOUNDED_KEYS,
    BeforeValidator(without_nulls),
]


class Service(ApiModel):
    """The environment's Service."""

    @merged_rule("may only be set with type NodePort or LoadBalancer", ".nodePort")
    def _node_port_of_a_type_that_has_one(self) -> bool:
        return self.node_port is None or self.type in {"NodePort", "LoadBalancer"}

    @merged_rule("may only be set with type LoadBalancer", ".loadBalancerClass")
    def _class_of_a_load_balancer(self) -> bool:
        return self.load_balancer_class is None or self.type == "LoadBalancer"

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] | None = None
    """Type of the Service, which decides from where it can be reached; default ClusterIP."""
    port: Port | None = None
    """Port of the Service; default that of the Rasa server."""
    node_port: Port | None = None
    """Node port of the Service, with type NodePort or LoadBalancer; default a free one."""
    load_balancer_class: Annotated[str, Field(min_length=1, max_length=317)] | None = None
    """Class of the load balancer, with type LoadBalancer; default the cluster's. Cannot be changed later."""
    session_affinity: Literal["None", "ClientIP"] | None = None
    """ClientIP: connections from one client address go to the same pod; default None."""
    annotations: AnnotationMap | None = None
    """Annotations of the Service, for example those read by a cloud's load balancer."""
    labels: LabelMap | None = None
    """Labels of the Service, in addition to those set by the operator."""


IngressPath = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    matches(
        "^(/[A-Za-z0-9_~!$&()*+,;=:@-][A-Za-z0-9._~!$&()*+,;=:@-]*)*/?$",
        "must be a path such as /webhooks: it begins with /, and no part of it is empty or begins with a dot",
    ),
]


HostName = Annotated[
    str,
    Field(max_length=253),
    matches(
        rf"^(\*\.)?{DNS_SUBDOMAIN}$",
        "must be a host name in lower case, for example chat.example.com: no scheme, no port, no path",
    ),
]


class HttpPath(ApiModel):
    """A path that is routed to the Rasa server."""

    path: IngressPath
    """The path, for example /webhooks."""
    path_type: Literal["Prefix", "Exact", "ImplementationSpecific"] | None = None
    """How to match the path; default Prefix."""


class IngressHost(ApiModel):
    """A host of the Ingress."""

    host: HostName
    """Host name of the channels, for example chat.example.com. Only one environment of the cluster can have it,
    including by wildcard; if the defaults of the ModelServer name it, the oldest environment gets it."""
    paths: Annotated[list[HttpPath], Field(min_length=1, max_length=16), Keyed(("path",))] | None = None
    """Paths to route to the Rasa server; default /webhooks and, with the channel socketio, /socket.io. The HTTP API of
    the server is then not exposed."""


class IngressTls(ApiModel):
    """A certificate of the Ingress."""

    hosts: Annotated[list[HostName], Field(min_length=1, max_length=16), Keyed()]
    """Hosts that the certificate is for."""
    secret_name: ObjectName | None = None
    """Secret with the certificate (type kubernetes.io/tls); default as the Ingress controller decides."""


class Ingress(ApiModel):
    """Ingress for the channels of the environment. Note that webhooks do not require a token."""

    _hosts_are_set = required("hosts", "hosts")

    hosts: Annotated[list[IngressHost], Field(min_length=1, max_length=16), Keyed(("host",))] | None = None
    """Hosts of the channels. Must be set here or in the defaults."""
    tls: Annotated[list[IngressTls], Field(max_length=16)] | None = None
    """Certificates of the hosts; default: no TLS."""
    class_name: ObjectName | None = None
    """Ingress class; default the cluster's."""
    annotations: AnnotationMap | None = None
    """Annotations of the Ingress, for example those read by its controller."""


class LabelRequirement(ApiModel):
    """A requirement on one label."""

    @rule(
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "must have values with In and NotIn, and none with Exists and DoesNotExist",
        ".values",
    )
    def _values_as_the_operator_needs(self) -> bool:
        return (self.operator in {"In", "NotIn"}) == bool(self.values)

    key: Annotated[str, Field(min_length=1, max_length=317)]
    """Key of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """Relation of the label's value to `values`."""
    values: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64), Keyed()] | None = None
    """Values of the label, for In and NotIn."""


class LabelSelector(ApiModel):
    """A label selector; an empty one matches everything."""

    model_config = ATOMIC

    match_labels: LabelMap | None = None
    """Labels that must all be present."""
    match_expressions: Annotated[list[LabelRequirement], Field(max_length=16)] | None = None
    """Requirements that must all be met."""


def is_cidr(value: str) -> bool:
    """Return whether CEL's isCIDR holds: a prefix length without leading zeros, and no IPv4-mapped IPv6 address."""
    if re.fullmatch("[0-9A-Fa-f.:]+/(0|[1-9][0-9]{0,2})", value) is None:
        return False
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return not (isinstance(network, IPv6Network) and network.network_address.ipv4_mapped)


Cidr = Annotated[
    str,
    Field(max_length=64),
    Rule("isCIDR(self)", "must be a range of addresses such as 10.0.0.0/8 or fd00::/8", is_cidr),
]


class IpBlock(ApiModel):
    """A range of addresses."""

    cidr: Cidr
    """The range, for example 10.0.0.0/8."""
    # The trailing underscore avoids a clash with Python's keyword.
    except_: Annotated[list[Cidr], Field(max_length=16), Keyed()] | None = Field(default=None, alias="except")
    """Ranges within `cidr` that may not connect."""


class Peer(ApiModel):
    """Who may connect; all selectors that are set must match."""

    @rule(
        "has(self.ipBlock) ? !has(self.namespaceSelector) && !has(self.podSelector)"
        " : has(self.namespaceSelector) || has(self.podSelector)",
        "must have either ipBlock, or namespaceSelector, podSelector or both",
    )
    def _addresses_or_pods(self) -> bool:
        selectors = self.namespace_selector is not None or self.pod_selector is not None
        return selectors != (self.ip_block is not None)

    namespace_selector: LabelSelector | None = None
    """Labels of the namespaces whose pods may connect; empty: all; absent: the environment's own namespace."""
    pod_selector: LabelSelector | None = None
    """Labels of the pods that may connect; empty or absent: all pods of those namespaces."""
    ip_block: IpBlock | None = None
    """Range of addresses that may connect."""


class NetworkPolicy(ApiModel):
    """NetworkPolicy that allows only the listed peers and the operator to connect to the environment's port."""

    from_: Literal["SameNamespace", "None"] = Field(alias="from")
    """SameNamespace: all pods of the environment's namespace may connect. None: only those in `allowFrom`."""
    allow_from: Annotated[list[Peer], Field(max_length=64)] | None = None
    """Additional peers that may connect."""
