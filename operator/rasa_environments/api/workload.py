"""Parts of an environment's spec that are common to Kubernetes workloads."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from rasa_environments.api.base import ATOMIC, ApiModel, ObjectName, Port, SecretValue, without_nulls
from rasa_environments.api.rules import (
    BOUNDED_KEYS,
    FreeForm,
    Keyed,
    Rule,
    matches,
    merged_rule,
    one_of,
    required,
    without_key,
)
from rasa_environments.api.traffic import AnnotationMap


def int_or_string(pattern: str, message: str) -> Rule[int | str]:
    """Return a rule that a value is a number of at least 0, or text that matches `pattern`."""
    text = matches(pattern, message)

    def holds(value: int | str) -> bool:
        return text.holds(value) if isinstance(value, str) else value >= 0

    return Rule(f"type(self) == int ? self >= 0 : {text.cel}", message, holds)


LONGEST_TEXT = 32


def _number_or_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("int_or_string", "must be a whole number or text")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise PydanticCustomError("too_long", "must have at most {limit} characters", {"limit": LONGEST_TEXT})
    return value


IntOrString = Annotated[
    int | str,
    BeforeValidator(_number_or_text),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": LONGEST_TEXT}),
]
Quantity = Annotated[
    IntOrString,
    int_or_string(
        r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2}|[KMGTPE]i|[numkMGTPE])?$",
        "must be a quantity such as 2, 500m or 1Gi",
    ),
]
Amount = Annotated[
    IntOrString,
    int_or_string("^(100|[0-9]{1,2})%$", "must be a number of pods such as 1, or a percentage such as '50%'"),
]
Percentage = Annotated[int, Field(ge=1, le=1000, strict=True)]
QuantityMap = Annotated[dict[str, Quantity], Field(max_length=16), BOUNDED_KEYS, BeforeValidator(without_nulls)]


PodTemplate = Annotated[
    dict[str, Any],
    FreeForm("containers", "array"),
    without_key("containers", "must be under podTemplate.spec: podTemplate is {metadata, spec} of a pod"),
]


class Resources(ApiModel):
    """Compute resources of a container."""

    requests: QuantityMap | None = None
    """Reserved resources, for example {cpu: 500m, memory: 1Gi}."""
    limits: QuantityMap | None = None
    """Upper limits, for example {memory: 2Gi}."""


class ServiceAccount(ApiModel):
    """The ServiceAccount that the pods run as."""

    annotations: AnnotationMap | None = None
    """Annotations of the ServiceAccount, for example those that bind it to a cloud identity."""


class RollingUpdate(ApiModel):
    """How many pods a rolling update adds and removes at a time."""

    @merged_rule("may not have 0 for both maxSurge and maxUnavailable, which is 0 by default")
    def _pods_can_be_replaced(self) -> bool:
        return self.max_surge not in (0, "0%") or self.max_unavailable not in (None, 0, "0%")

    max_surge: Amount | None = None
    """Pods above the desired number, as a number or percentage; default 1."""
    max_unavailable: Amount | None = None
    """Pods below the desired number, as a number or percentage; default 0."""


class DeploymentStrategy(ApiModel):
    """How pods are replaced when the Deployment changes."""

    @merged_rule("may only be set with type RollingUpdate", ".rollingUpdate")
    def _numbers_of_a_rolling_update(self) -> bool:
        return self.rolling_update is None or self.type != "Recreate"

    type: Literal["RollingUpdate", "Recreate"] | None = None
    """RollingUpdate (default): start new pods before stopping old ones. Recreate: stop old pods first, which interrupts
    the service."""
    rolling_update: RollingUpdate | None = None
    """How many pods a rolling update adds and removes at a time."""


class PodDisruptionBudget(ApiModel):
    """How many pods may be evicted at the same time."""

    _one_amount = one_of("minAvailable", "maxUnavailable")

    min_available: Amount | None = None
    """Pods that must stay available, as a number or percentage."""
    max_unavailable: Amount | None = None
    """Pods that may be unavailable, as a number or percentage."""


class Autoscaling(ApiModel):
    """HorizontalPodAutoscaler, which sets the number of replicas instead of `spec.replicas`."""

    _maximum_is_set = required("max_replicas", "maxReplicas")

    @merged_rule("may not be greater than maxReplicas", ".minReplicas")
    def _range(self) -> bool:
        return self.min_replicas is None or self.max_replicas is None or self.min_replicas <= self.max_replicas

    min_replicas: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    """Minimum number of pods; default 1."""
    max_replicas: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    """Maximum number of pods. Must be set here or in the defaults."""
    target_cpu_utilization_percentage: Percentage | None = Field(default=None, alias="targetCPUUtilizationPercentage")
    """Target CPU utilization, in percent of the request; default 80 if no memory target is set."""
    target_memory_utilization_percentage: Percentage | None = None
    """Target memory utilization, in percent of the request."""


class Jwt(ApiModel):
    """A second way to authenticate to the Rasa server: signed JSON Web Tokens."""

    _key_is_set = required("key", "key")

    key: SecretValue | None = None
    """Secret or public key to verify tokens with. Must be set here or in the defaults."""
    method: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512"] | None = None
    """Signature algorithm of the tokens; default HS256."""


class PullSecret(ApiModel):
    """A Secret with registry credentials."""

    model_config = ATOMIC

    name: ObjectName
    """Name of the Secret."""


Version = Annotated[
    str,
    Field(max_length=64),
    matches(r"^[0-9]+\.[0-9]+\.[0-9]+[a-z0-9.+-]*$", "must be a whole version of Rasa, for example 3.6.21"),
    Rule(
        "!self.contains('-')",
        "may not have the suffix of an image, such as -full, which is added: set the version, for example 3.6.21",
        lambda version: "-" not in version,
    ),
]
Image = Annotated[
    str,
    Field(max_length=512),
    matches("^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", "must be an image, for example rasa/rasa:3.6.21-full"),
]
OWN_ARGUMENTS = "--auth-token|--cors|--credentials|--endpoints|--jwt-method|--jwt-secret|--port|-p|-t"
OWN_ARGUMENT_PATTERN = f"^({OWN_ARGUMENTS})(=.*)?$"
Argument = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    Rule(
        f"!self.matches('{OWN_ARGUMENT_PATTERN}')",
        "may not be set here: use authToken, jwt, rasa.port, rasa.corsOrigins, endpoints or channels of the spec",
        lambda argument: re.fullmatch(OWN_ARGUMENT_PATTERN, argument) is None,
    ),
]


class ProImage(ApiModel):
    """Where the images of Rasa Pro are; the version is their tag."""

    registry: (
        Annotated[
            str,
            Field(max_length=253),
            matches(
                "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$",
                "must be a registry, for example registry.example.com:5000, without a scheme or path",
            ),
        ]
        | None
    ) = None
    """Registry, for example registry.example.com; default Docker Hub."""
    repository: (
        Annotated[
            str,
            Field(max_length=255),
            matches(
                "^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
                "must be a repository in its registry, for example rasa/rasa-pro, without a tag",
            ),
        ]
        | None
    ) = None
    """Repository in the registry; default rasa/rasa-pro."""
    tag_suffix: (
        Annotated[
            str,
            Field(max_length=64),
            matches("^[A-Za-z0-9._-]*$", "must be the end of a tag, for example -latest"),
        ]
        | None
    ) = None
    """What follows the version in the tag, for example -latest; default nothing."""


Origin = Annotated[
    str,
    Field(min_length=1, max_length=512),
    matches("^[!-+.-~][!-+.-~-]*$", "must be one origin, for example https://chat.example.com, or *"),
]


class Rasa(ApiModel):
    """The Rasa server itself."""

    version: Version | None = None
    """Version of Rasa, for example 3.6.21; it selects the image unless `image` is set."""
    image: Image | None = None
    """Container image of the Rasa server; default rasa/rasa:<version>-full, and with the profile RasaPro
    rasa/rasa-pro:<version>, or what `proImage` says."""
    pro_image: ProImage | None = None
    """Where the images of Rasa Pro are, usually set once in the defaults of the ModelServer. Used with the profile
    RasaPro only."""
    license: SecretValue | None = None
    """Licence of Rasa Pro, without which it does not start (RASA_LICENSE). Used with the profile RasaPro only."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When to pull the image; default as Kubernetes decides by the image's tag."""
    image_pull_secrets: Annotated[list[PullSecret], Field(max_length=16), Keyed(("name",))] | None = None
    """Secrets with credentials of the image's registry."""
    port: Port | None = None
    """Port of the Rasa server; default 5005."""
    cors_origins: Annotated[list[Origin], Field(min_length=1, max_length=64), Keyed()] | None = None
    """Origins that browsers may call from, for example https://chat.example.com; default `*`, which allows all."""
    log_level: Literal["Critical", "Error", "Warning", "Info", "Debug"] | None = None
    """Minimum level of the messages that Rasa logs; default as Rasa decides."""
    workers: Annotated[int, Field(ge=1, le=64, strict=True)] | None = None
    """Worker processes per pod (SANIC_WORKERS); default 1. More than one needs a lock store, as several replicas do."""
    drain_seconds: Annotated[int, Field(ge=0, le=3600, strict=True)] | None = None
    """Seconds that a terminating pod continues to answer, for conversations over sockets and by voice; default 5."""
    extra_args: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Additional command line arguments, for example [--debug]."""
