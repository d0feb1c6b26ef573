"""Who reaches an environment: its Service, its Ingress and its NetworkPolicy."""

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
    """Type of the Service, which decides from where it is reached; default ClusterIP."""
    port: Port | None = None
    """Port at which the Service is reached; default that of the Rasa server."""
    node_port: Port | None = None
    """Port of the nodes that leads to the Service, with type NodePort or LoadBalancer; default a free one."""
    load_balancer_class: Annotated[str, Field(min_length=1, max_length=317)] | None = None
    """Class of the load balancer, with type LoadBalancer; default the cluster's. It cannot be changed later."""
    session_affinity: Literal["None", "ClientIP"] | None = None
    """ClientIP: connections of one client address go to one pod; default None."""
    annotations: AnnotationMap | None = None
    """Annotations of the Service, for example those that a cloud's load balancer reads."""
    labels: LabelMap | None = None
    """Labels of the Service besides those that the operator sets."""


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
    """A path that leads to the Rasa server."""

    path: IngressPath
    """The path, for example /webhooks."""
    path_type: Literal["Prefix", "Exact", "ImplementationSpecific"] | None = None
    """How the path is matched; default Prefix."""


class IngressHost(ApiModel):
    """A host of the Ingress."""

    host: HostName
    """Host name under which the channels are reached, for example chat.example.com. Only one environment of the cluster
    gets it, also by a wildcard; where the ModelServer's defaults name it, that is the oldest."""
    paths: Annotated[list[HttpPath], Field(min_length=1, max_length=16), Keyed(("path",))] | None = None
    """Paths that lead to the Rasa server; default /webhooks and, with the channel socketio, /socket.io. The server's
    own API then stays inside the cluster."""


class IngressTls(ApiModel):
    """A certificate of the Ingress."""

    hosts: Annotated[list[HostName], Field(min_length=1, max_length=16), Keyed()]
    """Hosts that the certificate is for."""
    secret_name: ObjectName | None = None
    """Secret with the certificate (type kubernetes.io/tls); absent: as the controller decides."""


class Ingress(ApiModel):
    """An Ingress for the environment's channels. Mind that the webhooks ask for no token."""

    _hosts_are_set = required("hosts", "hosts")

    hosts: Annotated[list[IngressHost], Field(min_length=1, max_length=16), Keyed(("host",))] | None = None
    """Hosts under which the channels are reached. They must be set here or in the defaults."""
    tls: Annotated[list[IngressTls], Field(max_length=16)] | None = None
    """Certificates of the hosts; absent: no TLS."""
    class_name: ObjectName | None = None
    """Ingress class; default the cluster's."""
    annotations: AnnotationMap | None = None
    """Annotations of the Ingress, for example those that its controller reads."""


class LabelRequirement(ApiModel):
    """What holds of one label."""

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
    """How the label's value relates to `values`."""
    values: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64), Keyed()] | None = None
    """Values of the label, for In and NotIn."""


class LabelSelector(ApiModel):
    """Labels that something must carry; empty: everything."""

    model_config = ATOMIC

    match_labels: LabelMap | None = None
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


Cidr = Annotated[
    str,
    Field(max_length=64),
    Rule("isCIDR(self)", "must be a range of addresses such as 10.0.0.0/8 or fd00::/8", is_cidr),
]


class IpBlock(ApiModel):
    """A range of addresses."""

    cidr: Cidr
    """The range, for example 10.0.0.0/8."""
    # A trailing underscore keeps the name from being a statement of Python.
    except_: Annotated[list[Cidr], Field(max_length=16), Keyed()] | None = Field(default=None, alias="except")
    """Ranges within it from which nobody may connect."""


class Peer(ApiModel):
    """Who may connect: the selectors that are set must all match."""

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
    """Range of addresses from which anybody may connect."""


class NetworkPolicy(ApiModel):
    """A NetworkPolicy that closes the environment's port to all but these and the operator's pods."""

    from_: Literal["SameNamespace", "None"] = Field(alias="from")
    """SameNamespace: all pods of the environment's namespace may connect. None: only those of `allowFrom`."""
    allow_from: Annotated[list[Peer], Field(max_length=64)] | None = None
    """Who else may connect."""
