"""DeploymentEnvironment: one Rasa environment."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from rasa_environments.api.action_server import ActionServer
from rasa_environments.api.base import (
    MAXIMUM_NAME_LENGTH,
    MAXIMUM_NAME_LENGTH_WITH_ACTIONS,
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
    PodTemplate,
    Rasa,
    Resources,
    ServiceAccount,
)

Endpoints = Annotated[
    dict[str, Any],
    FreeForm("models"),
    without_key("models", "may not be set here: set spec.model, or modelPath of the ModelServer"),
]

ADOPT_REGISTRATION_ANNOTATION = "rasa-environments.io/adopt-registration"
"""Annotation of an environment: "true" lets it take over a registration of its name made by somebody else."""
ROTATE_TOKEN_ANNOTATION = "rasa-environments.io/rotate-token-at"
"""Annotation of an environment: a new value requests a new token; `status.lastHandledRotateTokenAt` then repeats it."""


SERVICE_NAME_PATTERN = "^[a-z]([-a-z0-9]*[a-z0-9])?$"


class Role(StrEnum):
    """The purpose of an environment."""

    PRODUCTION = "Production"
    WORKER = "Worker"
    CUSTOM = "Custom"


class UpdateStrategy(StrEnum):
    """How pods get the new model after a tag has moved."""

    IN_PLACE = "InPlace"
    ROLLING_UPDATE = "RollingUpdate"


class Healing(StrEnum):
    """What to do with a pod that no longer serves the model it served before."""

    RESTART = "Restart"
    DISABLED = "Disabled"


class Model(ApiModel):
    """How the environment gets its model."""

    update_strategy: Literal["InPlace", "RollingUpdate"] | None = None
    """InPlace (default): the running server pulls the new model. RollingUpdate: moving the tag starts a rolling update
    of the pods, gated by readiness."""
    pull_period_seconds: Annotated[int, Field(ge=1, le=86400, strict=True)] | None = None
    """Seconds between two pulls; default 10. Not used with RollingUpdate, where a pod pulls once, when it starts."""
    required: Boolean | None = None
    """Whether pods, and the environment, are unready without a model; default true."""
    healing: Literal["Restart", "Disabled"] | None = None
    """Restart (default): a pod that served the desired model, and then another one or none, is deleted so that its
    ReplicaSet replaces it; one pod at a time. Disabled: such a pod is only reported."""


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
    """Configuration of the channel, free-form; use {secretKeyRef: {name, key}} for a secret value. Default: none."""


class External(ApiModel):
    """A Rasa server that runs elsewhere and is only registered and monitored."""

    url: Annotated[
        str,
        Field(max_length=2048),
        url_rule(
            "must be an http(s) URL with a host and no user name or query, for example https://rasa.example.com"
            " (the token belongs in a Secret: set authToken)"
        ),
    ]
    """Base URL of the server, for example https://rasa.example.com, under which /status and the channels are."""
    auth_token: SecretValue
    """Token that the server was started with (--auth-token), taken from a Secret."""


def _known_default(field: str) -> str:
    if field not in DEFAULT_FIELDS:
        raise PydanticCustomError("enum", "must be one of {fields}", {"fields": ", ".join(DEFAULT_FIELDS)})
    return field


class EnvironmentDefaults(ApiModel):
    """Fields that environments of a ModelServer may share: all of a spec except what identifies an environment."""

    @rule(
        "!(has(self.actionEndpoint) && has(self.actionServer))",
        "may not be set together with actionEndpoint: leave out actionEndpoint to have the operator run the action "
        "server, or leave out actionServer to use the one at actionEndpoint.url",
        ".actionServer",
        "FieldValueForbidden",
    )
    def _one_action_server(self) -> bool:
        return self.action_endpoint is None or self.action_server is None

    rasa: Rasa | None = None
    """The Rasa server itself: its version, image and arguments."""
    model: Model | None = None
    """How the environment gets its model."""
    jwt: Jwt | None = None
    """A second way to authenticate to the Rasa server."""
    event_broker: EventBroker | None = None
    """Where Rasa publishes the events of conversations, for example RabbitMQ."""
    tracker_store: TrackerStore | None = None
    """Where Rasa stores conversations, for example PostgreSQL."""
    lock_store: LockStore | None = None
    """Locks that keep two replicas from handling the same conversation at the same time; needed with several
    replicas."""
    action_endpoint: ActionEndpoint | None = None
    """An action server that is there already, which runs the custom actions of the model. Not with `actionServer`."""
    action_server: ActionServer | None = None
    """An action server that the operator runs next to the environment, for its pods alone. Not with
    `actionEndpoint`."""
    endpoints: Endpoints | None = None
    """Further entries of endpoints.yml, free-form; use {secretKeyRef: {name, key}} for a secret value."""
    channels: Annotated[list[Channel], Field(max_length=32), Keyed(("name",))] | None = None
    """Channels of credentials.yml, merged by name with those of the defaults. Default: rest; an empty list: none."""
    service: Service | None = None
    """Service through which the environment is reached inside the cluster."""
    service_account: ServiceAccount | None = None
    """The ServiceAccount that the pods run as."""
    deployment_strategy: DeploymentStrategy | None = None
    """How pods are replaced when the Deployment changes."""
    ingress: Ingress | None = None
    """Ingress for the channels of the environment."""
    network_policy: NetworkPolicy | None = None
    """NetworkPolicy that restricts who may connect to the environment."""
    pod_disruption_budget: PodDisruptionBudget | None = None
    """How many pods may be evicted at the same time."""
    autoscaling: Autoscaling | None = None
    """HorizontalPodAutoscaler, which sets the number of replicas instead of spec.replicas."""
    resources: Resources | None = None
    """Compute resources of the rasa container."""
    pod_template: PodTemplate | None = None
    """A partial pod template that is merged last, with lists merged by key as in `kubectl patch`; `$patch: delete` in
    an item or map removes it. The container of the Rasa server is called rasa."""


DEFAULT_FIELDS = tuple(to_camel(name) for name in EnvironmentDefaults.model_fields)
"""The fields of a ModelServer's `defaults`."""
DefaultField = Annotated[
    str,
    Field(max_length=63, json_schema_extra={"enum": list(DEFAULT_FIELDS)}),
    AfterValidator(_known_default),
]


class EnvironmentSpec(EnvironmentDefaults):
    """Desired state of an environment."""

    model_server_ref: ModelServerRef | None = None
    """ModelServer that holds the model; default the one called `default` in the environment's namespace."""
    profile: Literal["OpenSource", "RasaPro"] | None = None
    """Whether the environment runs open-source Rasa or Rasa Pro; default the profile of its ModelServer, which must be
    one of these."""
    environment: TagName | None = None
    """Name of the environment in Rasa (RASA_ENVIRONMENT), unique per model server; default metadata.name. Immutable."""
    tag: TagName | None = None
    """Tag of the model to pull; default the environment's name."""
    role: Literal["Production", "Worker", "Custom"] | None = None
    """Production, Worker (also trains) or Custom; default by the names production and worker, else Custom."""
    replicas: Annotated[int, Field(ge=0, le=1000, strict=True)] = 1
    """Number of Rasa servers; more than one needs a lockStore and a trackerStore. Not used with autoscaling."""
    auth_token: SecretValue | None = None
    """Token of the Rasa server; default that of the ModelServer, else a generated one."""
    external: External | None = None
    """A Rasa server that runs elsewhere: it is registered and monitored, and nothing is deployed. Fields that describe
    a deployment (rasa, replicas, stores, service ...) are then not used."""
    suspend: Boolean | None = None
    """Stop reconciling this environment; its pods keep running."""
    ignore_defaults: Annotated[list[DefaultField], Field(max_length=len(DEFAULT_FIELDS)), Keyed()] | None = None
    """Fields of the ModelServer's `defaults` that this environment does not use, for example [ingress]."""


class ServedModel(ApiModel):
    """A model that pods serve."""

    name: StatusText
    """Name of the model, as the Rasa server reports it."""
    replicas: Count
    """Number of pods whose last response named this model."""


class NonServingPod(ApiModel):
    """A pod that is not known to serve the desired model."""

    name: StatusText
    """Name of the pod."""
    served: Literal["False", "Unknown"]
    """Whether it serves the desired model: False, or Unknown if its last response does not tell, or there is none."""
    model: StatusText | None = None
    """Model that it serves by its last response; absent if it serves none, or that is not known."""


class ActionServerStatus(ApiModel):
    """Observed state of an action server."""

    image: StatusText
    """Image that all of its pods run: the last one while a new one is rolled out."""


class EnvironmentStatus(Status):
    """Observed state of an environment."""

    url: StatusText | None = None
    """URL of the Rasa server inside the cluster."""
    environment: StatusText | None = None
    """Name of the environment in Rasa and in the registry (RASA_ENVIRONMENT)."""
    tag: StatusText | None = None
    """Tag of the model that the environment pulls."""
    desired_model: ModelReference | None = None
    """Model that has the tag on the model server."""
    served_models: Annotated[list[ServedModel], Field(max_length=32), Keyed(("name",))] | None = None
    """Models that the pods serve by their last responses, the most widely served first."""
    serving_replicas: Count | None = None
    """Number of pods that serve the desired model by their last response."""
    non_serving_pods: Annotated[list[NonServingPod], Field(max_length=10), Keyed(("name",))] | None = None
    """Pods that are not known to serve the desired model by their last responses: the first ten by name."""
    ready_replicas: Count | None = None
    """Number of pods that are asked for their model: those that are ready, or were."""
    ingress_hosts: Annotated[list[HostName], Field(max_length=16), Keyed()] | None = None
    """Hosts of the environment's Ingress; no other environment can claim them meanwhile."""
    auth_token: SecretValue | None = None
    """Secret and key that hold the server's token."""
    last_handled_rotate_token_at: StatusText | None = None
    """Last value of the annotation rasa-environments.io/rotate-token-at for which a new token was generated."""
    license_expiry_time: Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})] | None = None
    """When the licence expires, as the Rasa server reports it; only with the profile RasaPro."""
    action_server: ActionServerStatus | None = None
    """The action server next to the environment, once it was available; only with `spec.actionServer`."""
    replicas: Count | None = None
    """Current number of pods of the environment."""
    selector: StatusText | None = None
    """Label selector of the pods, for the scale subresource."""
    conditions: Conditions | None = None
    """Ready, Reconciling, Stalled, Available, ModelAvailable, ModelServed, ConversationsPersisted, LicenseValid with
    the profile RasaPro, ActionServerAvailable with `spec.actionServer`, and Registered if its server has a registry."""


class DeploymentEnvironment(ApiModel):
    """A Rasa environment: a Rasa server that pulls the model with a given tag."""

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

    @rule(
        f"!has(self.spec.actionServer) || self.metadata.name.size() <= {MAXIMUM_NAME_LENGTH_WITH_ACTIONS}",
        f"metadata.name may have at most {MAXIMUM_NAME_LENGTH_WITH_ACTIONS} characters with spec.actionServer: the "
        "Service of the action server is called <name>-actions",
        ".metadata.name",
    )
    def _name_leaves_room_for_actions(self) -> bool:
        return self.spec.action_server is None or len(self.metadata.name) <= MAXIMUM_NAME_LENGTH_WITH_ACTIONS

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
        """Name of the environment in Rasa (RASA_ENVIRONMENT): that of the spec, or the object's name."""
        return self.spec.environment or self.metadata.name

    @property
    def tag(self) -> str:
        """Tag of the model to pull: that of the spec, or the environment's name."""
        return self.spec.tag or self.environment
