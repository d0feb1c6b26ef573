"""What all resources of the group share: the base model, names and references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema

from rasa_environments.api.rules import VALIDATIONS, MergedRule, Rule, TransitionRule, matches, refuse

GROUP = "rasa-environments.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

JsonObject: TypeAlias = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON. `Any` is allowed here, at the border."""

SecretData: TypeAlias = Mapping[str, bytes]
"""The content of a Secret by key, decoded."""


def without_nulls(values: object) -> object:
    """Return a mapping without its nulls, as the API server does where a field is not nullable; none is."""
    if isinstance(values, dict) and None in values.values():
        return {name: value for name, value in values.items() if value is not None}
    return values


class ApiModel(BaseModel):
    """A part of a resource: camelCase outside, snake_case inside, unknown fields dropped as the API server does.

    It rejects what the CRD rejects: class attributes that are a Rule are checked here and appear in the CRD as CEL.
    Class attributes that are a MergedRule are checked by `merged_problems` only, since the defaults of a ModelServer
    may complete the part.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        defer_build=True,  # a command starts without the kinds that it does not read
        ignored_types=(MergedRule, Rule, TransitionRule),
    )

    model_rules: ClassVar[tuple[Rule[Any], ...]] = ()
    """The rules of this class and its bases."""
    merged_rules: ClassVar[tuple[MergedRule[Any], ...]] = ()
    """The rules that apply once the defaults are merged."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.model_rules = tuple(value for value in _class_attributes(cls) if isinstance(value, Rule))
        cls.merged_rules = tuple(value for value in _class_attributes(cls) if isinstance(value, MergedRule))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonObject:
        json_schema = handler(schema)
        entries = [value.entry() for value in _class_attributes(cls) if isinstance(value, Rule | TransitionRule)]
        if entries:
            handler.resolve_ref_schema(json_schema)[VALIDATIONS] = entries
        return json_schema

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: object) -> object:
        return without_nulls(values)

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        refuse(self.model_rules, self)
        _share_names(self)
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with some values replaced."""
        copied = super().model_copy(update=update, deep=deep)
        _share_names(copied)
        return copied


def _share_names(part: ApiModel) -> None:
    """Let parts with the same fields share the set of their names; pydantic makes one for each part."""
    object.__setattr__(part, "__pydantic_fields_set__", _shared(frozenset(part.model_fields_set)))


@lru_cache(maxsize=1024)
def _shared(names: frozenset[str]) -> set[str]:
    """Return a set for pydantic, which copies it and never changes it, since no model can be assigned to."""
    return set(names)


def merged_problems(part: ApiModel, place: str) -> tuple[str, ...]:
    """Return the problems of the part at `place` of a merged spec, each as `field: problem`."""
    found = [f"{place}{rule.field}: {rule.message}" for rule in part.merged_rules if not rule.holds(part)]
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, ApiModel):
            found += merged_problems(value, f"{place}.{field.alias or name}")
    return tuple(found)


def _class_attributes(model: type[ApiModel]) -> list[object]:
    """Return the attributes of the class, those of its bases first."""
    return [value for base in reversed(model.__mro__) for value in vars(base).values()]


DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_SUBDOMAIN = rf"{DNS_LABEL}(\.{DNS_LABEL})*"

TAG_RULE = matches(
    "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
    "must be letters, digits, '.', '_' and '-', and begin and end with a letter or digit, for example production",
)

Boolean = Annotated[bool, Field(strict=True)]
DnsLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=f"^{DNS_LABEL}$")]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{DNS_SUBDOMAIN}$")]
SecretKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
TagName = Annotated[str, Field(max_length=63), TAG_RULE]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]

MAXIMUM_NAME_LENGTH = 58
"""Longest metadata.name of an environment: children append `-rasa`, and a Service name has at most 63 characters."""
MAXIMUM_NAME_LENGTH_WITH_ACTIONS = 55
"""The same with an action server, whose children append `-actions`."""


ATOMIC: ConfigDict = {"json_schema_extra": {"x-kubernetes-map-type": "atomic"}}
"""Configuration of references and selectors, which are replaced as a whole."""


class SecretKeyRef(ApiModel):
    """A key of a Secret in the namespace of the object that refers to it."""

    model_config = ATOMIC

    name: ObjectName
    """Name of the Secret, in the same namespace as this object."""
    key: SecretKey
    """Key in the Secret's data."""
    namespace: SkipJsonSchema[str | None] = None
    """Set by the operator once it knows the namespace of the reference; never read from a manifest."""


class SecretValue(ApiModel):
    """A value taken from a Secret."""

    secret_key_ref: SecretKeyRef
    """Secret and key that hold the value."""


class SecretRef(ApiModel):
    """A Secret in the namespace of the object that refers to it."""

    model_config = ATOMIC

    name: ObjectName
    """Name of the Secret, in the same namespace as this object."""
    namespace: SkipJsonSchema[str | None] = None
    """Set by the operator once it knows the namespace of the reference; never read from a manifest."""


def secret_of(reference: SecretRef | SecretKeyRef) -> ObjectKey:
    """Return the namespace and name of the Secret that a bound reference refers to."""
    return ObjectKey(reference.namespace or "", reference.name)


class Tls(ApiModel):
    """Whether a connection uses TLS, and with which certificates."""

    mode: Literal["Required", "Disabled"]
    """Required: use TLS and verify the server's certificate. Disabled: use plain text."""
    cert_secret_ref: SecretRef | None = None
    """Secret with PEM files for the connection: `ca.crt`, the certificate authorities to verify the server's
    certificate with (default: those of the image), and, if the server requires a client certificate, `tls.crt` and
    `tls.key`."""


class ModelServerRef(ApiModel):
    """Reference to a ModelServer; by default the one called `default` in the object's own namespace."""

    model_config = ATOMIC

    name: ObjectName = "default"
    """Name of the ModelServer."""
    namespace: DnsLabel | None = None
    """Namespace of the ModelServer; default the object's own. A ModelServer in another namespace must allow this one in
    its `accessFrom`."""


class ObjectKey(NamedTuple):
    """Namespace and name of an object.

    A tuple, whose hash is computed in C: a new environment takes hundreds of look-ups by key.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def version_of(obj: JsonObject | None) -> str | None:
    """Return the resourceVersion of an object, or None without one."""
    return None if obj is None else obj["metadata"].get("resourceVersion")


def _of_this_group(annotations: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in annotations.items() if name.startswith(f"{GROUP}/")}


OwnAnnotations = Annotated[Mapping[str, str], AfterValidator(_of_this_group)]


T = TypeVar("T")


Generation = Annotated[int, Field(ge=-1, json_schema_extra={"format": "int64"})]
"""The metadata.generation that a status describes; -1 before the first status."""


class Status(ApiModel):
    """Observed state of an object."""

    unreadable: SkipJsonSchema[bool] = Field(default=False, exclude=True)
    """Set by the operator: the stored status does not match the schema and is to be replaced as a whole."""
    observed_generation: Generation | None = None
    """The metadata.generation that this status describes; -1 before the first."""


def _empty_if_invalid(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError:
        return handler({"unreadable": True})


Observed = Annotated[T, WrapValidator(_empty_if_invalid)]
"""A status; one that does not match the schema reads as empty."""

Count = Annotated[int, Field(ge=0)]
LONGEST_STATUS_TEXT = 4096
StatusText = Annotated[str, Field(max_length=LONGEST_STATUS_TEXT)]
"""A text written by the operator."""


class ModelReference(ApiModel):
    """A model and the hash of its content."""

    name: StatusText
    """Name of the model on the model server, for example 20260101-120000."""
    hash: StatusText
    """Hash of the model, as the model server reports it."""


@dataclass(frozen=True)
class Rejection:
    """A newer version of an object that cannot be used; the last valid one stays in force."""

    version: int
    """Its resourceVersion, or that of the operator's own write about it."""
    generation: int
    message: str
    """What is wrong with it, and how to fix it."""


class Metadata(ApiModel):
    """The part of an object's metadata that the operator uses."""

    name: ObjectName
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    annotations: SkipJsonSchema[OwnAnnotations] = Field(default_factory=dict)
    """Annotations of this group only; all annotations together can be as large as 256 KiB."""
    rejection: SkipJsonSchema[Rejection | None] = None
    """Set by the operator: a newer version that it cannot use."""

    @property
    def key(self) -> ObjectKey:
        """Namespace and name."""
        return ObjectKey(self.namespace, self.name)

    @property
    def version(self) -> int:
        """The resourceVersion as a number, which only grows; 0 if there is none."""
        return int(self.resource_version or 0)

    @property
    def latest_version(self) -> int:
        """The newest version that was read, usable or not."""
        return max(self.version, self.rejection.version) if self.rejection else self.version
