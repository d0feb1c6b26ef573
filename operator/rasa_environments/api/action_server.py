"""The action server that the operator runs next to an environment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import ApiModel, Port
from rasa_environments.api.rules import Keyed
from rasa_environments.api.workload import (
    Image,
    PodDisruptionBudget,
    PodTemplate,
    PullSecret,
    Resources,
    ServiceAccount,
)


class ActionServer(ApiModel):
    """The server that runs the custom actions of the model, in a Deployment of its own."""

    image: Image | None = None
    """Container image of the action server, for example registry.example.com/support-actions:1.4. Must be set here, in
    the defaults, or in the ModelTag of the environment's tag, whose image takes precedence."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When to pull the image; default as Kubernetes decides by the image's tag."""
    image_pull_secrets: Annotated[list[PullSecret], Field(max_length=16), Keyed(("name",))] | None = None
    """Secrets with credentials of the image's registry."""
    port: Port | None = None
    """Port that the image listens on; default 5055, that of the Rasa SDK."""
    replicas: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    """Number of action servers; default 1."""
    resources: Resources | None = None
    """Compute resources of the container `actions`."""
    service_account: ServiceAccount | None = None
    """The ServiceAccount that the pods run as, which is not that of the Rasa servers."""
    pod_disruption_budget: PodDisruptionBudget | None = None
    """How many pods may be evicted at the same time."""
    pod_template: PodTemplate | None = None
    """A partial pod template that is merged last, as `spec.podTemplate` is for the Rasa servers. The container of the
    action server is called actions; its variables, and the Secrets that these refer to, belong here."""
