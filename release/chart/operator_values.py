"""Values of the operator: how its process is run, and the pod it runs in."""

from typing import Annotated, Literal

from pydantic import Field

from release.chart.base import JsonObject, Name, Seconds, Values


class Settings(Values):
    """The operator's own settings; null leaves each at the operator's default."""

    workers: Annotated[int, Field(ge=1, le=256)] | None = None
    """How many objects are reconciled at a time, besides those that wait for a model server or Rasa server; 16 if
    null."""
    model_server_interval: Seconds | None = None
    """Seconds between two listings of a model server; 30 if null."""
    served_interval: Seconds | None = None
    """Seconds between two questions to a pod that serves what is wanted; 60 if null."""
    resync_interval: Seconds | None = None
    """Seconds between two reconciliations of an object to which nothing happens; 300 if null."""
    allowed_injectors: tuple[str, ...] | None = None
    """Names, with * and ?, of containers, volumes and variables that injectors may add to the Deployments of
    environments, for example [istio-*]; none if null."""
    allow_link_local: bool | None = None
    """Whether servers may be asked at link-local and metadata addresses, where clouds hand out credentials."""
    allow_loopback: bool | None = None
    """Whether servers may be asked at loopback addresses, which lead to the operator itself; false if null."""
    log_format: Literal["text", "json"] | None = "json"
    """How log lines look: text or json."""
    log_level: Literal["debug", "info", "warning", "error"] | None = None
    """Which log lines are written: debug, info, warning or error; info if null."""


class Resources(Values):
    """Requests and limits of a container."""

    requests: JsonObject = Field(default_factory=lambda: {"cpu": "100m", "memory": "128Mi"})
    """What is reserved."""
    limits: JsonObject = Field(default_factory=lambda: {"memory": "512Mi"})
    """What cannot be exceeded."""


class Pod(Values):
    """Where a pod runs, and what else is in it."""

    pod_annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the pods."""
    pod_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the pods, besides the chart's own."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes that it may run on."""
    tolerations: tuple[JsonObject, ...] = ()
    """Taints that it tolerates."""
    affinity: JsonObject = Field(default_factory=dict)
    """Affinity to nodes and pods."""
    priority_class_name: str = ""
    """PriorityClass of the pods."""
    extra_env: tuple[JsonObject, ...] = ()
    """More variables of the container, for example HTTPS_PROXY or SSL_CERT_FILE."""
    extra_volumes: tuple[JsonObject, ...] = ()
    """More volumes of the pod, for example a certificate authority of yours."""
    extra_volume_mounts: tuple[JsonObject, ...] = ()
    """Where these volumes are mounted."""


class Operator(Pod):
    """The operator."""

    enabled: bool = True
    """Whether the operator is in this release. Without it there are only a model server, environments and tags."""
    settings: Settings = Settings()
    resources: Resources = Resources()


class ServiceAccount(Values):
    """The operator's ServiceAccount."""

    create: bool = True
    """Whether to create it."""
    name: str = ""
    """Its name; that of the release if empty."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Its annotations."""


class Rbac(Values):
    """What the operator may do."""

    create: bool = True
    """Whether to create its roles and bindings. If not, somebody else binds them to its ServiceAccount."""


class AccountPolicy(Values):
    """Admission policies that hold the operator's ServiceAccount to its own work, whoever has its token."""

    enabled: bool | None = None
    """Whether they are in this release; if null, where the operator looks after the whole cluster. They belong to the
    cluster. A release without an operator holds every ServiceAccount called rasa-environments to them that may write
    the status of environments."""
    protected_namespaces: tuple[
        Annotated[str, Field(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$|^[a-z0-9][-a-z0-9]*\\*$")], ...
    ] = (
        "kube-*",
        "openshift-*",
    )
    """Namespaces in which the operator writes nothing; a `*` stands for any end of a name."""


class PodDisruptionBudget(Values):
    """How many operators a drain of nodes leaves running."""

    enabled: bool | None = None
    """Whether there is one; if null, with more than one replica."""
    max_unavailable: int | str = 1
    """How many may be away at a time, a number or a percentage."""


def tcp_and_dns() -> tuple[JsonObject, ...]:
    """Egress to any address by TCP, and to name servers: 53, and 5353 as on OpenShift."""
    name_servers = [{"protocol": "UDP", "port": port} for port in (53, 5353)]
    return ({"ports": [{"protocol": "TCP"}, *name_servers]},)


class NetworkPolicy(Values):
    """Who may connect to the pods of this release: the pods of its namespace, and who is listed here."""

    enabled: bool = True
    """Whether there are NetworkPolicies: one for the operator, one for the model server."""
    metrics_from: tuple[JsonObject, ...] = ({"namespaceSelector": {}},)
    """Who else may read the operator's metrics and health, as `from` of a NetworkPolicy; by default all pods of the
    cluster."""
    model_server_from: tuple[JsonObject, ...] = ()
    """Who else may connect to the model server, as `from` of a NetworkPolicy, for example an Ingress controller. Pods
    of the namespaces in `modelServer.spec.accessFrom` may, and the operator."""
    operator_namespace: Name = "rasa-environments"
    """Where the operator is that may connect to the model server, if it is not in this release."""
    operator_egress: tuple[JsonObject, ...] | None = Field(default_factory=tcp_and_dns)
    """Where the operator may connect to, as `egress` of a NetworkPolicy: DNS, the API server, model servers and the
    pods of the environments; everywhere if null."""
    model_server_egress: tuple[JsonObject, ...] | None = Field(default_factory=tcp_and_dns)
    """Where the model server may connect to, as `egress` of a NetworkPolicy: DNS, the bucket and the environments;
    everywhere if null."""
