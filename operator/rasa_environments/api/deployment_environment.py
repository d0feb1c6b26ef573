"""DeploymentEnvironment: one Rasa environment."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from rasa_environments.api.base import (
    MAXIMUM_NAME_LENGTH,
    ApiModel,
    Boolean,
    Metadata,
    ModelServerRef,
    ObjectName,
    SecretKey,
    SecretKeyRef,
    SecretValue,
    TagName,
)
from rasa_environments.api.conditions import Conditions
from rasa_environments.api.connections import ActionEndpoint, EventBroker, LockStore, TrackerStore
from rasa_environments.api.rules import FreeForm, TransitionRule, rule, without_key
from rasa_environments.api.urls import url_rule
from rasa_environments.api.workload import (
    Autoscaling,
    Ingress,
    Jwt,
    NetworkPolicy,
    PodDisruptionBudget,
    Rasa,
    Resources,
    Service,
)

Endpoints = Annotated[
    dict[str, Any],
    FreeForm("models"),
    without_key("models", "models is written by the operator: set spec.model, or modelPath of the ModelServer"),
]
Credentials = Annotated[dict[str, Any], FreeForm()]
PodTemplate = Annotated[
    dict[str, Any],
    FreeForm("containers", "array"),
    without_key("containers", "podTemplate is {metadata, spec} of a pod: put containers under podTemplate.spec"),
]

ADOPT_REGISTRATION_ANNOTATION = "rasa-environments.io/adopt-registration"
"""Annotation of an environment: "true" lets it take over an entry of its name that somebody else registered."""
ROTATE_TOKEN_ANNOTATION = "rasa-environments.io/rotate-token-at"
"""Annotation of an environment: a new value asks for a new token; `status.tokenRotatedAt` then repeats it."""


SERVICE_NAME_PATTERN = "^[a-z]([-a-z0-9]*[a-z0-9])?$"


class Role(StrEnum):
    """What an environment is for."""

    PRODUCTION = "Production"
    WORKER = "Worker"
    CUSTOM = "Custom"


class UpdateStrategy(StrEnum):
    """How a moved tag reaches the pods."""

    IN_PLACE = "InPlace"
    ROLLING_UPDATE = "RollingUpdate"


class Healing(StrEnum):
    """What becomes of a pod that has lost the model that it served."""

    RESTART = "Restart"
    DISABLED = "Disabled"


class Model(ApiModel):
    """How the environment gets its model."""

    update_strategy: Literal["InPlace", "RollingUpdate"] | None = None
    """InPlace (default): the running server pulls the new model. RollingUpdate: a moved tag rolls the pods, gated by
    readiness."""
    pull_interval_seconds: Annotated[int, Field(ge=1, le=86400, strict=True)] | None = None
    """Seconds between two pulls; default 10. Not used with RollingUpdate, where a pod pulls once at its start."""
    required: Boolean | None = None
    """Whether a pod without a model is not ready, and an environment without one neither; default true."""
    healing: Literal["Restart", "Disabled"] | None = None
    """Restart (default): a pod that served the wanted model and then answers with another one, or none, is deleted, so
    that its ReplicaSet starts a new one; one at a time. Disabled: it is only reported."""


class TokenSecretRef(ApiModel):
    """The token of a Rasa server that runs elsewhere."""

    name: ObjectName
    """Name of the Secret, in the environment's namespace."""
    key: SecretKey | None = None
    """Key in the Secret's data; default token."""

    def bound(self, namespace: str) -> SecretKeyRef:
        """The reference, made in that namespace."""
        return SecretKeyRef(name=self.name, key=self.key or "token", namespace=namespace)


class External(ApiModel):
    """A Rasa server that runs elsewhere, and is only registered and looked at."""

    url: Annotated[
        str,
        Field(max_length=2048),
        url_rule(
            "must be an http(s) URL with a host and no user name or query, for example https://rasa.example.com"
            " (the token belongs into the Secret of tokenSecretRef)"
        ),
    ]
    """Its base address, for example https://rasa.example.com; where /status and the channels are."""
    token_secret_ref: TokenSecretRef
    """Secret with the token that the server was started with (--auth-token)."""


class EnvironmentDefaults(ApiModel):
    """What environments of one server may share: all of a spec but what tells environments apart."""

    rasa: Rasa | None = None
    """The Rasa server itself: its version, image and arguments."""
    model: Model | None = None
    """How the environment gets its model."""
    jwt: Jwt | None = None
    """A second way to authenticate at the Rasa server."""
    event_broker: EventBroker | None = None
    """Where Rasa sends the events of conversations, for example to RabbitMQ."""
    tracker_store: TrackerStore | None = None
    """Where Rasa keeps its conversations, for example in PostgreSQL."""
    lock_store: LockStore | None = None
    """What keeps two replicas from handling one conversation at a time; more than one replica wants one."""
    action_endpoint: ActionEndpoint | None = None
    """The server that runs the custom actions of the model."""
    endpoints: Endpoints | None = None
    """More entries of endpoints.yml, free-form; {secretKeyRef: {name, key}} stands for a secret value."""
    credentials: Credentials | None = None
    """Channels of credentials.yml, free-form; {secretKeyRef: {name, key}} stands for a secret value. Default: REST."""
    service: Service | None = None
    """The Service by which the environment is reached inside the cluster."""
    ingress: Ingress | None = None
    """An Ingress for the environment's channels."""
    network_policy: NetworkPolicy | None = None
    """A NetworkPolicy that closes the environment's port."""
    pod_disruption_budget: PodDisruptionBudget | None = None
    """How many pods an eviction may take away."""
    autoscaling: Autoscaling | None = None
    """A HorizontalPodAutoscaler, which then decides the replicas in the place of spec.replicas."""
    resources: Resources | None = None
    """Compute resources of the rasa container."""
    pod_template: PodTemplate | None = None
    """A partial pod template that is merged last, lists by their keys as `kubectl patch` does. The server's container
    is called rasa."""


class EnvironmentSpec(EnvironmentDefaults):
    """What is wanted of an environment."""

    model_server_ref: ModelServerRef | None = None
    """Which ModelServer holds its model; default the one called `default` in its namespace."""
    environment: TagName | None = None
    """RASA_ENVIRONMENT, unique per model server; default metadata.name. It cannot be changed."""
    tag: TagName | None = None
    """Model tag that it pulls; default the environment."""
    role: Literal["Production", "Worker", "Custom"] | None = None
    """Production, Worker (also trains) or Custom; default by the names production and worker, else Custom."""
    replicas: Annotated[int, Field(ge=0, le=1000, strict=True)] = 1
    """Number of Rasa servers; more than one wants a lockStore and a trackerStore. Not used with autoscaling."""
    auth_token: SecretValue | None = None
    """The server's token; absent: that of the ModelServer, or one is generated."""
    external: External | None = None
    """A Rasa server that runs elsewhere: it is registered and looked at, and nothing is deployed. What describes a
    deployment (rasa, replicas, stores, service ...) is not used then."""
    suspend: Boolean | None = None
    """Stop reconciling this environment; its pods go on."""


class ModelStatus(ApiModel):
    """Which model is wanted, and which is served."""

    wanted: str | None = None
    """Name of the model that carries the tag on the model server."""
    wanted_hash: str | None = None
    """Hash of the wanted model, as the model server reports it."""
    served: str | None = None
    """Model that the pods serve, where they all serve the same; else the models, comma-separated."""
    served_by: str | None = None
    """How many of the ready pods serve the wanted model, as n/m."""


class EnvironmentStatus(ApiModel):
    """What was seen of an environment."""

    observed_generation: int | None = None
    """The metadata.generation that this status speaks of."""
    url: str | None = None
    """Address of the Rasa server inside the cluster."""
    environment: str | None = None
    """Name that the environment has in Rasa and in the registry (RASA_ENVIRONMENT)."""
    tag: str | None = None
    """Model tag that it pulls."""
    model: ModelStatus | None = None
    """Which model is wanted, and which is served."""
    ingress_host: str | None = None
    """Host of the environment's Ingress, which no other environment is given while this one has it."""
    token_secret: str | None = None
    """Secret with the server's token, under the key `token`."""
    token_rotated_at: str | None = None
    """The last value of the annotation rasa-environments.io/rotate-token-at that a new token was made for."""
    replicas: int | None = None
    """Number of pods that the environment has now."""
    selector: str | None = None
    """Selector of its pods, for the scale subresource."""
    conditions: Conditions | None = None
    """Ready, Reconciling, Stalled, ModelAvailable, ModelServed, and Registered where its server has a registry."""


class DeploymentEnvironment(ApiModel):
    """One Rasa environment: a Rasa server that pulls the one model that carries its tag."""

    @rule(
        f"self.metadata.name.size() <= {MAXIMUM_NAME_LENGTH}",
        f"metadata.name must have at most {MAXIMUM_NAME_LENGTH} characters: its Service is called <name>-rasa",
    )
    def _name_leaves_room(self) -> bool:
        return len(self.metadata.name) <= MAXIMUM_NAME_LENGTH

    @rule(
        f"self.metadata.name.matches('{SERVICE_NAME_PATTERN}')",
        "metadata.name must be letters, digits and hyphens and begin with a letter: its Service is called <name>-rasa",
    )
    def _name_fits_a_service(self) -> bool:
        return re.fullmatch(SERVICE_NAME_PATTERN, self.metadata.name) is not None

    _environment_stays = TransitionRule(
        "(has(self.spec.environment) ? self.spec.environment : self.metadata.name)"
        " == (has(oldSelf.spec.environment) ? oldSelf.spec.environment : oldSelf.metadata.name)",
        "spec.environment cannot be changed: events are filed under it; create another environment instead",
    )

    _external_stays = TransitionRule(
        "has(self.spec.external) == has(oldSelf.spec.external)",
        "spec.external cannot be added or taken away: the environment's own Rasa servers would be left behind; create "
        "another environment instead",
    )

    metadata: Metadata
    spec: EnvironmentSpec
    status: EnvironmentStatus = EnvironmentStatus()

    @property
    def environment(self) -> str:
        """RASA_ENVIRONMENT: the spec's, or the object's name."""
        return self.spec.environment or self.metadata.name

    @property
    def tag(self) -> str:
        """Model tag that it pulls: the spec's, or the environment."""
        return self.spec.tag or self.environment
