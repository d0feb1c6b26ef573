"""The values of the chart: the single source of values.yaml, values.schema.json and the table in its README."""

from typing import Annotated, Literal

from pydantic import Field

from release.chart.base import JsonObject, Name, OptionalName, Values
from release.chart.metrics_values import Metrics
from release.chart.model_server_values import ModelServer
from release.chart.operator_values import (
    AccountPolicy,
    NetworkPolicy,
    Operator,
    PodDisruptionBudget,
    Rbac,
    ServiceAccount,
)
from release.chart.specs import EnvironmentDefaults, EnvironmentSpec, ModelServerSpec, ModelTagSpec


class Image(Values):
    """Image of the operator and, with another command, of the model server."""

    repository: str = "rasa-environments"
    """Registry and name."""
    tag: str = ""
    """Tag; the chart's appVersion if empty."""
    digest: Annotated[str, Field(pattern="^$|^sha256:[0-9a-f]{64}$")] = ""
    """Digest, which takes precedence over the tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When to pull the image."""
    pull_secrets: tuple[Name, ...] = ()
    """Secrets with credentials of the registry."""


class Crds(Values):
    """CRDs of ModelServer, DeploymentEnvironment and ModelTag."""

    install: bool | None = None
    """Whether to install them; if null, only if the operator manages the whole cluster."""
    keep: bool = True
    """Whether to keep them when the release is uninstalled. Deleting them deletes all environments."""


class Promotion(Values):
    """Promotion as a permission. It is cluster-wide, so only one release has it."""

    roles: bool | None = None
    """Whether to install the ClusterRoles for users; if null, as `policies`."""
    policies: bool | None = None
    """Whether to install the admission policies; if null, only if the operator manages the whole cluster."""
    stamp: bool | None = None
    """Whether the API server records who promotes; if null, as `policies` if it can: from Kubernetes 1.36."""


class ChartValues(Values):
    """All values."""

    name_override: OptionalName = ""
    """Replaces the chart's name in names."""
    fullname_override: OptionalName = ""
    """Replaces the release's name in names."""
    common_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of every object."""
    image: Image = Image()
    namespaces: tuple[Name, ...] = ()
    """Namespaces that the operator manages, with Roles in these only and no cluster-scoped objects; if empty, the whole
    cluster."""
    replicas: Annotated[int, Field(ge=0)] = 1
    """Number of operators. With more than one, one works, and the others wait for its Lease."""
    topology_spread_constraints: tuple[JsonObject, ...] | None = None
    """How several operators are spread; if null, over nodes and zones if possible."""
    operator: Operator = Operator()
    service_account: ServiceAccount = ServiceAccount()
    rbac: Rbac = Rbac()
    account_policy: AccountPolicy = AccountPolicy()
    crds: Crds = Crds()
    promotion: Promotion = Promotion()
    pod_disruption_budget: PodDisruptionBudget = PodDisruptionBudget()
    network_policy: NetworkPolicy = NetworkPolicy()
    metrics: Metrics = Metrics()
    model_server: ModelServer = ModelServer()
    production_and_worker: bool = False
    """Whether to create the environments production and worker, even if `environments` does not list them."""
    environments: dict[str, EnvironmentSpec] = Field(default_factory=dict)
    """DeploymentEnvironments in the namespace of the release: name and spec, for example `staging: {rasa: {version:
    3.6.21}}`."""
    model_servers: dict[str, ModelServerSpec] = Field(default_factory=dict)
    """External ModelServers, for example a Rasa X: name and spec."""
    defaults: EnvironmentDefaults = Field(default_factory=dict)
    """Defaults of all environments of these ModelServers, for example `rasa: {version: 3.6.21}`."""
    model_tags: dict[str, str | ModelTagSpec] = Field(default_factory=dict)
    """ModelTags: the tag and its model, for example `production: 20260101-120000`; or the tag and a whole spec."""
    keep_resources: bool = True
    """Whether to keep ModelServers, environments and tags when they are removed from the values, or the release is
    uninstalled."""
    enabled: bool = True
    """Without effect here: a parent chart may use it as the condition."""
    global_: Annotated[JsonObject, Field(alias="global")] = Field(default_factory=dict)
    """Without effect here: Helm passes it to every subchart."""
