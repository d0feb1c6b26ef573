"""DeploymentEnvironment: one Rasa environment."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from rasa_environments.api.base import (
    MAXIMUM_NAME_LENGTH,
    ApiModel,
    Boolean,
    Count,
    Metadata,
    ModelReference,
    ModelServerRef,
    Observed,
    SecretValue,
    Status,
    StatusText,
    TagName,
)
from rasa_environments.api.conditions import Conditions
from rasa_environments.api.connections import ActionEndpoint, EventBroker, LockStore, TrackerStore
from rasa_environments.api.rules import FreeForm, Keyed, TransitionRule, matches, rule, without_key
from rasa_environments.api.traffic import HostName, Ingress, NetworkPolicy, Service
from rasa_environments.api.urls import url_rule
from rasa_environments.api.workload import (
    Autoscaling,
    DeploymentStrategy,
    Jwt,
    PodDisruptionBudget,
    Rasa,
    Resources,
    ServiceAccount,
)

Endpoints = Annotated[
    dict[str, Any],
    FreeForm("models"),
    without_key("models", "may not be set here: set spec.model, or modelPath of the ModelServer"),
]
PodTemplate = Annotated[
    dict[str, Any],
    FreeForm("containers", "array"),
    without_key("containers", "must be under podTemplate.spec: podTemplate is {metadata, spec} of a pod"),
]

ADOPT_REGISTRATION_ANNOTATION = "rasa-environments.io/adopt-registration"
"""Annotation of an environment: "true" lets it take over an entry of its name that somebody else registered."""
ROTATE_TOKEN_ANNOTATION = "rasa-environments.io/rotate-token-at"
"""Annotation of an environment: a new value asks for a new token; `status.lastHandledRotateTokenAt` then repeats it."""


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
    pull_period_seconds: Annotated[int, Field(ge=1, le=86400, strict=True)] | None = None
    """Seconds between two pulls; default 10. Not used with RollingUpdate, where a pod pulls once at its start."""
    required: Boolean | None = None
    """Whether a pod without a model is not ready, and an environment without one neither; default true."""
    healing: Literal["Restart", "Disabled"] | None = None
    """Restart (default): a pod that served the wanted model and then answers with another one, or none, is deleted, so
    that its ReplicaSet starts a new one; one at a time. Disabled: it is only reported."""


class Channel(ApiModel):
    """A channel of credentials.yml."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=253),
        matches(
            "^[A-Za-z_][A-Za-z0-9_.]*$",
            "must be a channel such as rest, or the module path of one, for example addons.custom.MyInput",
        ),
    ]
    """Name of the channel, for example rest, or the module path of a custom one."""
    config: Annotated[dict[str, Any], FreeForm()] | None = None
    """What the channel needs, free-form; {secretKeyRef: {name, key}} stands for a secret value. Absent: nothing."""


class External(ApiModel):
    """A Rasa server that runs elsewhere, and is only registered and asked what it serves."""

    url: Annotated[
        str,
        Field(max_length=2048),
        url_rule(
            "must be an http(s) URL with a host and no user name or query, for example https://rasa.example.com"
            " (the token belongs into a Secret: set authToken)"
        ),
    ]
    """Its base address, for example https://rasa.example.com; where /status and the channels are."""
    auth_token: SecretValue
    """Token that the server was started with (--auth-token), taken from a Secret."""


def _known_default(field: str) -> str:
    if field not in DEFAULT_FIELDS:
        raise PydanticCustomError("enum", "must be one of {fields}", {"fields": ", ".join(DEFAULT_FIELDS)})
    return field


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
    channels: Annotated[list[Channel], Field(max_length=32), Keyed(("name",))] | None = None
    """Channels of credentials.yml, merged with those of the defaults by name. Default: rest; an empty list: none."""
    service: Service | None = None
    """The Service by which the environment is reached inside the cluster."""
    service_account: ServiceAccount | None = None
    """The ServiceAccount that the pods run as."""
    deployment_strategy: DeploymentStrategy | None = None
    """How a change of the Deployment replaces its pods."""
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
    """A partial pod template that is merged last, lists by their keys as `kubectl patch` does; `$patch: delete` in an
    item or a map removes it. The server's container is called rasa."""


DEFAULT_FIELDS = tuple(to_camel(name) for name in EnvironmentDefaults.model_fields)
"""The fields of a ModelServer's `defaults`."""
DefaultField = Annotated[
    str,
    Field(max_length=63, json_schema_extra={"enum": list(DEFAULT_FIELDS)}),
    AfterValidator(_known_default),
]


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
    ignore_defaults: Annotated[list[DefaultField], Field(max_length=len(DEFAULT_FIELDS)), Keyed()] | None = None
    """Fields of the ModelServer's `defaults` that this environment does not take, for example [ingress]."""


class ServedModel(ApiModel):
    """A model that pods serve."""

    name: StatusText
    """Name of the model, as the Rasa server tells it."""
    replicas: Count
    """How many pods serve it by their last answer."""


class EnvironmentStatus(Status):
    """What was seen of an environment."""

    url: StatusText | None = None
    """Address of the Rasa server inside the cluster."""
    environment: StatusText | None = None
    """Name that the environment has in Rasa and in the registry (RASA_ENVIRONMENT)."""
    tag: StatusText | None = None
    """Model tag that it pulls."""
    desired_model: ModelReference | None = None
    """Model that carries the tag on the model server."""
    served_models: Annotated[list[ServedModel], Field(max_length=32), Keyed(("name",))] | None = None
    """Models that the pods serve by their last answers, the one that most serve first."""
    serving_replicas: Count | None = None
    """How many pods serve the desired model by their last answer."""
    ready_replicas: Count | None = None
    """How many pods were asked: those that are ready, or were."""
    ingress_hosts: Annotated[list[HostName], Field(max_length=16), Keyed()] | None = None
    """Hosts of the environment's Ingress, which no other environment is given while this one has them."""
    auth_token: SecretValue | None = None
    """Where the server's token is."""
    last_handled_rotate_token_at: StatusText | None = None
    """The last value of the annotation rasa-environments.io/rotate-token-at that a new token was made for."""
    replicas: Count | None = None
    """Number of pods that the environment has now."""
    selector: StatusText | None = None
    """Selector of its pods, for the scale subresource."""
    conditions: Conditions | None = None
    """Ready, Reconciling, Stalled, Available, ModelAvailable, ModelServed, ConversationsPersisted, and Registered where
    its server has a registry."""


class DeploymentEnvironment(ApiModel):
    """One Rasa environment: a Rasa server that pulls the one model that carries its tag."""

    @rule(
        f"self.metadata.name.size() <= {MAXIMUM_NAME_LENGTH}",
        f"metadata.name may have at most {MAXIMUM_NAME_LENGTH} characters: its Service is called <name>-rasa",
        ".metadata.name",
    )
    def _name_leaves_room(self) -> bool:
        return len(self.metadata.name) <= MAXIMUM_NAME_LENGTH

    @rule(
        f"self.metadata.name.matches('{SERVICE_NAME_PATTERN}')",
        "metadata.name must be letters, digits and hyphens and begin with a letter: its Service is called <name>-rasa",
        ".metadata.name",
    )
    def _name_fits_a_service(self) -> bool:
        return re.fullmatch(SERVICE_NAME_PATTERN, self.metadata.name) is not None

    _environment_stays = TransitionRule(
        "(has(self.spec.environment) ? self.spec.environment : self.metadata.name)"
        " == (has(oldSelf.spec.environment) ? oldSelf.spec.environment : oldSelf.metadata.name)",
        "spec.environment may not be changed: events are filed under it; create another environment instead",
        ".spec.environment",
    )

    _external_stays = TransitionRule(
        "has(self.spec.external) == has(oldSelf.spec.external)",
        "spec.external may not be added or removed: the environment's own Rasa servers would be left behind; create "
        "another environment instead",
        ".spec.external",
    )

    metadata: Metadata
    spec: EnvironmentSpec
    status: Observed[EnvironmentStatus] = EnvironmentStatus()

    @property
    def environment(self) -> str:
        """RASA_ENVIRONMENT: the spec's, or the object's name."""
        return self.spec.environment or self.metadata.name

    @property
    def tag(self) -> str:
        """Model tag that it pulls: the spec's, or the environment."""
        return self.spec.tag or self.environment
