"""How the operator is run: flags of `rasa-environments run`, or variables RASA_ENVIRONMENTS_<FLAG>."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.desired.context import OperatorPods

Seconds = Annotated[float, Field(gt=0, le=86400)]
InjectedName = Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9_.*?-]+$")]


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """Which log lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseModel):
    """All settings of the operator's process."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    credentials: CredentialSource = CredentialSource()
    """Kubeconfig file, context and whom to act as; default $KUBECONFIG, ~/.kube/config, or the pod's ServiceAccount."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to look after; none: all."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """How many objects are reconciled at a time, without those that wait for servers."""
    model_server_interval: Seconds = 30.0
    """Seconds between two listings of a model server."""
    served_interval: Seconds = 60.0
    """Seconds between two questions to a pod that serves what is wanted."""
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as one that serves the wanted model (reason ServedUnchecked): for
    clusters whose pods are simulated. Elsewhere it hides what users get."""
    resync_interval: Seconds = 300.0
    """Seconds between two reconciliations of an object to which nothing happens."""
    leader_elect: bool = False
    """Whether to work only while holding a Lease: for more than one replica."""
    lease_namespace: str | None = None
    """Namespace of the Lease; default the operator's own."""
    operator_namespace: str | None = None
    """Namespace of the operator's own pods, which the NetworkPolicies of environments let in; none: outside of a
    cluster."""
    operator_selector: Annotated[str, Field(pattern=r"^[^=,\s]+=[^=,\s]*(,[^=,\s]+=[^=,\s]*)*$")] | None = None
    """Labels of these pods: app.kubernetes.io/name=rasa-environments,app.kubernetes.io/component=operator."""
    allowed_injectors: tuple[InjectedName, ...] = ()
    """Name, with * and ?, of containers, volumes and variables that others may add to Deployments; none: nothing."""
    allow_link_local: bool = False
    """Whether servers may be asked at link-local and metadata addresses, where clouds hand out credentials."""
    allow_loopback: bool | None = None
    """Whether servers may be asked at loopback addresses, which in a pod lead to the operator itself; default: only
    outside of a cluster."""
    address: str = "0.0.0.0"  # noqa: S104
    """Address that /healthz, /readyz and /metrics are served at."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /healthz, /readyz and /metrics; 0: any free one, which is logged."""
    log_format: LogFormat = LogFormat.TEXT
    """text, or json."""
    log_level: LogLevel = LogLevel.INFO
    """debug, info, warning or error."""

    @model_validator(mode="after")
    def _pods_have_a_namespace_and_labels(self) -> Self:
        if (self.operator_namespace is None) != (self.operator_selector is None):
            raise ValueError("--operator-namespace and --operator-selector go together: set both, or neither")
        return self

    @property
    def operator_pods(self) -> OperatorPods | None:
        """The operator's own pods; None outside of a cluster."""
        if self.operator_namespace is None or self.operator_selector is None:
            return None
        labels = dict(pair.split("=", 1) for pair in self.operator_selector.split(","))
        return OperatorPods(self.operator_namespace, labels)
