"""How the operator is run: flags of `rasa-environments run`, or variables RASA_ENVIRONMENTS_<FLAG>."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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

    kubeconfig: str | None = None
    """Kubeconfig file; default $KUBECONFIG, the pod's ServiceAccount, or ~/.kube/config."""
    context: str | None = None
    """Context of the kubeconfig."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to look after; none: all."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """How many objects are worked on at a time."""
    model_server_interval: Seconds = 30.0
    """Seconds between two listings of a model server."""
    served_interval: Seconds = 60.0
    """Seconds between two questions to a pod that serves what is wanted."""
    resync_interval: Seconds = 300.0
    """Seconds between two reconciliations of an object to which nothing happens."""
    leader_elect: bool = False
    """Whether to work only while holding a Lease: for more than one replica."""
    lease_namespace: str | None = None
    """Namespace of the Lease; default the operator's own."""
    allowed_injectors: tuple[InjectedName, ...] = ()
    """Name, with * and ?, of containers, volumes and variables that others may add to Deployments; none: nothing."""
    allow_link_local: bool = False
    """Whether servers may be asked at link-local and metadata addresses, where clouds hand out credentials."""
    address: str = "0.0.0.0"  # noqa: S104
    """Address that /healthz, /readyz and /metrics are served at."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port of /healthz, /readyz and /metrics; 0: any free one, which is logged."""
    log_format: LogFormat = LogFormat.TEXT
    """text, or json."""
    log_level: LogLevel = LogLevel.INFO
    """debug, info, warning or error."""
