"""Settings of the operator: flags of `rasa-environments run`, or variables RASA_ENVIRONMENTS_<FLAG>."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.desired.context import OperatorPods

Seconds = Annotated[float, Field(gt=0, le=86400)]
InjectedName = Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9_.*?-]+$")]


class LogFormat(StrEnum):
    """Format of log lines."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """Minimum level of log lines."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseModel):
    """All settings of the operator's process."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    credentials: CredentialSource = CredentialSource()
    """Kubeconfig file, context and user to impersonate; default $KUBECONFIG, ~/.kube/config, or the pod's
    ServiceAccount."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to manage; default all."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Number of objects to reconcile at the same time, not counting those that wait for servers."""
    model_server_interval: Seconds = 30.0
    """Seconds between two listings of a model server."""
    served_interval: Seconds = 60.0
    """Seconds between two checks of a pod that serves the desired model."""
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as serving the desired model (reason ServedUnchecked). For clusters
    with simulated pods; elsewhere it hides what users get."""
    resync_interval: Seconds = 36_000.0
    """Seconds between two reconciliations of an unchanged object: a safety net, since watches bring every change."""
    leader_elect: bool = False
    """Whether to work only while holding a Lease; needed with more than one replica."""
    lease_namespace: str | None = None
    """Namespace of the Lease; default the operator's own."""
    operator_namespace: str | None = None
    """Namespace of the operator's own pods, which the NetworkPolicies of environments allow; none outside of a
    cluster."""
    operator_selector: Annotated[str, Field(pattern=r"^[^=,\s]+=[^=,\s]*(,[^=,\s]+=[^=,\s]*)*$")] | None = None
    """Labels of these pods: app.kubernetes.io/name=rasa-environments,app.kubernetes.io/component=operator."""
    allowed_injectors: tuple[InjectedName, ...] = ()
    """Name, with * and ?, of containers, volumes and variables that others may add to Deployments; default none."""
    allow_link_local: bool = False
    """Whether servers may have link-local and metadata addresses, where clouds hand out credentials."""
    allow_loopback: bool | None = None
    """Whether servers may have loopback addresses, which in a pod lead to the operator itself; default only outside of
    a cluster."""
    address: str = "0.0.0.0"  # noqa: S104
    """Address on which to serve /healthz, /readyz and /metrics."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /healthz, /readyz and /metrics; 0 picks a free one, which is logged."""
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
