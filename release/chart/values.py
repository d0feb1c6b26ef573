"""The values of the chart: the one source of values.yaml, values.schema.json and the table in its README."""

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
    """The image of the operator and, with another command, of the model server."""

    repository: str = "rasa-environments"
    """Registry and name."""
    tag: str = ""
    """Tag; the chart's appVersion if empty."""
    digest: Annotated[str, Field(pattern="^$|^sha256:[0-9a-f]{64}$")] = ""
    """Digest, which counts more than the tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When it is pulled."""
    pull_secrets: tuple[Name, ...] = ()
    """Secrets of the registry."""


class Crds(Values):
    """The definitions of ModelServer, DeploymentEnvironment and ModelTag."""

    install: bool | None = None
    """Whether they are in this release; if null, where the operator looks after the whole cluster."""
    keep: bool = True
    """Whether they stay when the release goes. Without them all environments go, too."""


class Promotion(Values):
    """What makes a promotion a permission. It holds in the whole cluster, so one release has it."""

    roles: bool | None = None
    """Whether the ClusterRoles for people are in this release; if null, as `policies`."""
    policies: bool | None = None
    """Whether the admission policies are; if null, where the operator looks after the whole cluster."""
    stamp: bool | None = None
    """Whether the API server writes down who promotes; if null, as `policies` where it can: from Kubernetes 1.36."""


class ChartValues(Values):
    """All values."""

    name_override: OptionalName = ""
    """Takes the place of the chart's name in names."""
    fullname_override: OptionalName = ""
    """Takes the place of the release's name in names."""
    common_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of every object."""
    image: Image = Image()
    namespaces: tuple[Name, ...] = ()
    """Namespaces that the operator looks after, with Roles in these alone and nothing that belongs to the cluster; if
    empty, the whole cluster."""
    replicas: Annotated[int, Field(ge=0)] = 1
    """How many operators run. With more than one, one works, and the others wait for its Lease."""
    topology_spread_constraints: tuple[JsonObject, ...] | None = None
    """How several operators are spread; if null, over nodes and zones where that is possible."""
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
    """Whether there are the environments production and worker, even if `environments` does not name them."""
    environments: dict[str, EnvironmentSpec] = Field(default_factory=dict)
    """DeploymentEnvironments in the namespace of the release: name and spec, for example
    `staging: {rasa: {version: 3.6.21}}`."""
    model_servers: dict[str, ModelServerSpec] = Field(default_factory=dict)
    """ModelServers that run elsewhere, for example a Rasa X: name and spec."""
    defaults: EnvironmentDefaults = Field(default_factory=dict)
    """What all environments of these ModelServers share, for example `rasa: {version: 3.6.21}`."""
    model_tags: dict[str, str | ModelTagSpec] = Field(default_factory=dict)
    """ModelTags: the tag and its model, for example `production: 20260101-120000`; or the tag and a whole spec."""
    keep_resources: bool = True
    """Whether ModelServers, environments and tags stay when the release goes, or no longer names them."""
    enabled: bool = True
    """Does nothing here: a chart that depends on this one may name it as the condition."""
    global_: Annotated[JsonObject, Field(alias="global")] = Field(default_factory=dict)
    """Does nothing here: Helm gives it to every chart that another depends on."""
