"""ModelTag: which model carries a tag."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import ApiModel, Metadata, ModelServerRef, TagName
from rasa_environments.api.conditions import Conditions
from rasa_environments.api.rules import Keyed, Rule, matches, rule

MAXIMUM_TAG_LENGTH = 63
PROMOTED_BY_ANNOTATION = "rasa-environments.io/promoted-by"
"""Annotation of a ModelTag: the user who created it or changed its model, tag or ModelServer last. Admission writes it
and keeps others from doing so (manifests/promotion)."""

ModelName = Annotated[
    str,
    Field(max_length=200),
    matches(
        "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        "must be the name of a model, for example 20260101-120000: letters, digits, '.', '_' and '-'",
    ),
    Rule(
        "!self.endsWith('.tar.gz')",
        "must be the name of a model without .tar.gz",
        lambda name: not name.endswith(".tar.gz"),
    ),
]


class ModelTagSpec(ApiModel):
    """What is wanted of a tag."""

    model: ModelName
    """Name of the model that carries the tag, for example 20260101-120000 (without .tar.gz)."""
    tag: TagName | None = None
    """Tag that the model gets on the server; default metadata.name."""
    model_server_ref: ModelServerRef | None = None
    """Which ModelServer holds the model; default the one called `default` in its namespace."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """Whether the tag stays on the server (Retain) or is taken away (Delete) when this object is deleted. It stays when
    the whole namespace is deleted."""
    history_limit: Annotated[int, Field(ge=0, le=100, strict=True)] = 10
    """How many earlier models the status remembers."""


class HistoryEntry(ApiModel):
    """A model that carried the tag."""

    model: str
    """Name of the model that carried the tag."""
    hash: str
    """Its hash, as the model server reports it."""
    tagged_at: str = Field(json_schema_extra={"format": "date-time"})
    """When the operator saw the tag on it first (RFC 3339, UTC)."""
    by: str | None = None
    """User who promoted it, as the annotation rasa-environments.io/promoted-by said then; absent where it said nothing,
    and where the model's content was replaced on the server."""


class Follower(ApiModel):
    """An environment that pulls the tag."""

    namespace: str
    """Namespace of the environment that pulls the tag."""
    name: str
    """Name of the environment that pulls the tag."""
    served: str | None = None
    """Name of the model that the environment serves."""
    ready: bool
    """Whether the environment is Ready."""


class ModelTagStatus(ApiModel):
    """What was seen of a tag."""

    observed_generation: int | None = None
    """The metadata.generation that this status speaks of."""
    tag: str | None = None
    """Tag that the model has on the server."""
    model: str | None = None
    """Name of the model that carries the tag."""
    hash: str | None = None
    """Its hash, as the model server reports it."""
    previous_model: str | None = None
    """Model that carried it before: where `rollback` goes."""
    history: list[HistoryEntry] | None = None
    """Models that carried the tag, the latest first: what was promoted, when, and by whom."""
    environments: Annotated[list[Follower], Keyed(("namespace", "name"))] | None = None
    """Environments that pull the tag."""
    conditions: Conditions | None = None
    """Ready, Tagged, Served, Reconciling and Stalled."""


class ModelTag(ApiModel):
    """Which model carries a tag: changing `spec.model` promotes a model."""

    @rule(
        f"has(self.spec.tag) || self.metadata.name.size() <= {MAXIMUM_TAG_LENGTH}",
        f"metadata.name is the tag and must have at most {MAXIMUM_TAG_LENGTH} characters; for another tag set spec.tag",
    )
    def _name_can_be_a_tag(self) -> bool:
        return self.spec.tag is not None or len(self.metadata.name) <= MAXIMUM_TAG_LENGTH

    metadata: Metadata
    spec: ModelTagSpec
    status: ModelTagStatus = ModelTagStatus()

    @property
    def tag(self) -> str:
        """The tag: the spec's, or the object's name."""
        return self.spec.tag or self.metadata.name

    @property
    def promoted_by(self) -> str | None:
        """The user whose promotion the spec is, where admission wrote it down."""
        return self.metadata.annotations.get(PROMOTED_BY_ANNOTATION) or None
