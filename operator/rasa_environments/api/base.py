"""What every resource of the group shares: the base model, names, references and validation rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema

GROUP = "rasa-environments.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

JsonObject: TypeAlias = dict[str, Any]
"""A Kubernetes object or a part of one, as JSON: the edge where `Any` is allowed."""


@dataclass(frozen=True)
class Rule:
    """One CEL rule of a CRD: what must hold, and what a person is told when it does not."""

    rule: str
    message: str | None = None
    message_expression: str | None = None
    optional_old_self: bool = False

    def schema(self) -> JsonObject:
        """The rule as an entry of `x-kubernetes-validations`."""
        entry: JsonObject = {"rule": self.rule}
        if self.message is not None:
            entry["message"] = self.message
        if self.message_expression is not None:
            entry["messageExpression"] = self.message_expression
        if self.optional_old_self:
            entry["optionalOldSelf"] = True
        return entry


def rules(*entries: Rule) -> JsonObject:
    """The `json_schema_extra` that carries CEL rules into the CRD."""
    return {"x-kubernetes-validations": [entry.schema() for entry in entries]}


class ApiModel(BaseModel):
    """A part of a resource: camelCase outside, snake_case inside, unknown fields dropped as the API server prunes them."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )


def api_config(extra: JsonObject) -> ConfigDict:
    """The configuration of a model whose schema carries `extra` (CEL rules, list-map keys)."""
    return ConfigDict(json_schema_extra=extra)


DNS_LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
TAG_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"

DnsLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=DNS_LABEL_PATTERN)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN_PATTERN)]
SecretKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
TagName = Annotated[str, Field(min_length=1, max_length=63, pattern=TAG_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]

MAXIMUM_NAME_LENGTH = 58
"""Longest metadata.name of an environment: its children add `-rasa` and a Service name has at most 63 characters."""


class SecretKeyRef(ApiModel):
    """A key of a Secret in the namespace of the object that names it."""

    name: ObjectName
    """Name of the Secret."""
    key: SecretKey
    """Key in the Secret's data."""
    namespace: SkipJsonSchema[str | None] = None
    """Set by the operator alone, when it knows whose reference this is; never read from a manifest."""


class SecretValue(ApiModel):
    """A value that is taken from a Secret."""

    secret_key_ref: SecretKeyRef
    """Which key of which Secret holds the value."""


class SecretRef(ApiModel):
    """A Secret in the namespace of the object that names it."""

    name: ObjectName
    """Name of the Secret."""


class ModelServerRef(ApiModel):
    """Which ModelServer: by default the one called `default` in the object's own namespace."""

    name: ObjectName | None = None
    """Name of the ModelServer; default `default`."""
    namespace: DnsLabel | None = None
    """Its namespace; default the object's own. Another one must list this one under `allowedNamespaces`."""


@dataclass(frozen=True, order=True)
class ObjectKey:
    """Namespace and name of an object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Metadata(ApiModel):
    """The part of an object's metadata that the operator reads."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> ObjectKey:
        """Namespace and name."""
        return ObjectKey(self.namespace, self.name)


def one_of(*names: str) -> Sequence[Rule]:
    """The rule that exactly one of `names` is set (they are JSON names)."""
    count = " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in names)
    return (Rule(f"{count} == 1", f"set exactly one of {', '.join(names)}"),)
