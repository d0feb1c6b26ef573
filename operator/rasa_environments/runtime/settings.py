"""Settings of the operator: options of `rasa-environments run`, or variables RASA_ENVIRONMENTS_<OPTION>."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.fields import FieldInfo

from rasa_environments.api.durations import DURATION_PATTERN, parse_duration
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.desired.context import OperatorPods


def _in_seconds(given: object) -> object:
    return parse_duration(given) if isinstance(given, str) else given


Seconds = Annotated[
    float,
    BeforeValidator(_in_seconds),
    Field(gt=0, le=86400),
    WithJsonSchema(
        {"type": ["number", "string"], "exclusiveMinimum": 0, "maximum": 86400, "pattern": DURATION_PATTERN}
    ),
]
"""Seconds, which users write as kubectl does: `30s`; or as a number."""
InjectedName = Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9_.*?-]+$")]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True)
class Unset:
    """What a setting without a value means, as help and reference show it in place of a default."""

    meaning: str


class Settings(BaseModel):
    """All settings of the operator's process.

    The options and variables of `run`, the chart's values `operator.settings` and the reference are made from these
    fields: names, types, bounds, defaults and descriptions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    credentials: CredentialSource = CredentialSource()
    """Kubeconfig file, context and user to impersonate."""
    namespaces: Annotated[tuple[str, ...], Unset("all")] = ()
    """Namespaces to manage."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Number of objects to reconcile at the same time, not counting those that wait for a model server or Rasa server.
    Including these, at most 16 of a namespace are in progress, and namespaces take turns."""
    model_server_interval: Seconds = 30.0
    """Time between two listings of a model server: how soon a tag that somebody else moved is moved back."""
    served_interval: Seconds = 60.0
    """Time between two status requests to a pod that serves the desired model: how soon the operator notices that a
    pod has lost its model. After a change, the pod is asked every few seconds."""
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as serving the desired model (reason ServedUnchecked). For clusters
    with simulated pods; elsewhere it hides what users get."""
    max_candidates: Annotated[int, Field(ge=1, le=1000)] = 10
    """Number of candidates at the same time: servers next to environments that serve a model before it gets the tag
    (spec.verification of a ModelTag). A namespace gets at most half of what others leave, rounded up. Other
    verifications wait."""
    resync_interval: Seconds = 36_000.0
    """Time between two reconciliations of an unchanged object: a safety net, since watches bring every change."""
    leader_elect: bool = False
    """Whether to work only while holding the Lease rasa-environments; required for more than one replica."""
    lease_namespace: Annotated[str | None, Unset("the operator's own")] = None
    """Namespace of the Lease. The policies for the operator's account allow only the default."""
    operator_namespace: Annotated[str | None, Unset("none")] = None
    """Namespace of the operator's own pods, which the NetworkPolicies of environments allow."""
    operator_selector: Annotated[
        Annotated[str, Field(pattern=r"^[^=,\s]+=[^=,\s]*(,[^=,\s]+=[^=,\s]*)*$")] | None, Unset("none")
    ] = None
    """Labels of the operator's own pods, for example
    app.kubernetes.io/name=rasa-environments,app.kubernetes.io/component=operator."""
    allowed_injectors: Annotated[tuple[InjectedName, ...], Unset("none")] = ()
    """Names of containers, volumes and variables that others may add to the Deployments of environments, for example
    istio-*; * and ? stand for any characters."""
    allow_link_local: bool = False
    """Whether servers may have link-local and metadata addresses, where clouds provide a machine's credentials."""
    allow_loopback: Annotated[bool | None, Unset("only outside a cluster")] = None
    """Whether servers may have loopback addresses, which in a pod lead to the operator itself."""
    address: str = "0.0.0.0"  # noqa: S104
    """Address on which to serve /healthz, /readyz and /metrics."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /healthz, /readyz and /metrics; 0 picks a free one, which is logged."""
    log_format: LogFormat = "text"
    """Format of log lines."""
    log_level: LogLevel = "info"
    """Minimum level of log lines."""

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


def unset_meaning(field: FieldInfo) -> str | None:
    """Return what a setting without a value means; None if the setting has a default."""
    return next((each.meaning for each in field.metadata if isinstance(each, Unset)), None)
