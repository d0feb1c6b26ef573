"""Values for the operator: its settings, and its pod."""

from typing import Annotated

from pydantic import Field

from release.chart.base import JsonObject, Name, Values
from release.chart.operator_settings import Settings


class Resources(Values):
    """Requests and limits of a container."""

    requests: JsonObject = Field(default_factory=lambda: {"cpu": "100m", "memory": "128Mi"})
    """Reserved resources."""
    limits: JsonObject = Field(default_factory=lambda: {"memory": "512Mi"})
    """Upper limits."""


class Pod(Values):
    """Scheduling of a pod, and additions to it."""

    pod_annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the pods."""
    pod_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the pods, in addition to the chart's own."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes that pods may run on."""
    tolerations: tuple[JsonObject, ...] = ()
    """Taints that pods tolerate."""
    affinity: JsonObject = Field(default_factory=dict)
    """Affinity to nodes and pods."""
    priority_class_name: str = ""
    """PriorityClass of the pods."""
    extra_env: tuple[JsonObject, ...] = ()
    """Additional variables of the container, for example HTTPS_PROXY or SSL_CERT_FILE."""
    extra_volumes: tuple[JsonObject, ...] = ()
    """Additional volumes of the pod, for example your own certificate authority."""
    extra_volume_mounts: tuple[JsonObject, ...] = ()
    """Where these volumes are mounted."""


class Operator(Pod):
    """The operator."""

    enabled: bool = True
    """Whether to install the operator. Without it, the release has only a model server, environments and tags."""
    settings: Settings = Settings()
    resources: Resources = Resources()


class ServiceAccount(Values):
    """The operator's ServiceAccount."""

    create: bool = True
    """Whether to create it."""
    name: str = ""
    """Its name; by default that of the release."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Its annotations."""


class Rbac(Values):
    """Permissions of the operator."""

    create: bool = True
    """Whether to create its roles and bindings. If not, bind them to its ServiceAccount yourself."""


class AccountPolicy(Values):
    """Admission policies that restrict the operator's ServiceAccount to its own work, whoever has its token."""

    enabled: bool | None = None
    """Whether to install them; if null, only if the operator manages the whole cluster. They are cluster-scoped. A
    release without an operator applies them to every ServiceAccount called rasa-environments that may write the
    status of environments."""
    protected_namespaces: tuple[
        Annotated[str, Field(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$|^[a-z0-9][-a-z0-9]*\\*$")], ...
    ] = (
        "kube-*",
        "openshift-*",
    )
    """Namespaces in which the operator writes nothing; a `*` at the end matches any suffix."""


class PodDisruptionBudget(Values):
    """How many operator pods stay available while nodes are drained."""

    enabled: bool | None = None
    """Whether to create it; if null, with more than one replica."""
    max_unavailable: int | str = 1
    """How many may be unavailable at a time, a number or a percentage."""


def tcp_and_dns() -> tuple[JsonObject, ...]:
    """Return egress to any address over TCP, and to name servers: 53, and 5353 as on OpenShift."""
    name_servers = [{"protocol": "UDP", "port": port} for port in (53, 5353)]
    return ({"ports": [{"protocol": "TCP"}, *name_servers]},)


class NetworkPolicy(Values):
    """Who may connect to the pods of this release: pods of its namespace, and those listed here."""

    enabled: bool = True
    """Whether to create NetworkPolicies: one for the operator, one for the model server."""
    metrics_from: tuple[JsonObject, ...] = ({"namespaceSelector": {}},)
    """Who else may read the operator's metrics and health, as `from` of a NetworkPolicy; by default all pods of the
    cluster."""
    model_server_from: tuple[JsonObject, ...] = ()
    """Who else may connect to the model server, as `from` of a NetworkPolicy, for example an Ingress controller. Pods
    of the namespaces in `modelServer.spec.accessFrom` and the operator always may."""
    operator_namespace: Name = "rasa-environments"
    """Namespace of the operator that may connect to the model server, if it is not in this release."""
    operator_egress: tuple[JsonObject, ...] | None = Field(default_factory=tcp_and_dns)
    """Where the operator may connect to, as `egress` of a NetworkPolicy: DNS, the API server, model servers and the
    pods of the environments; everywhere if null."""
    model_server_egress: tuple[JsonObject, ...] | None = Field(default_factory=tcp_and_dns)
    """Where the model server may connect to, as `egress` of a NetworkPolicy: DNS, the bucket and the environments;
    everywhere if null."""
