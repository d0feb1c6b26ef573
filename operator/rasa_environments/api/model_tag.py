"""ModelTag: which model carries a tag."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import (
    ApiModel,
    Metadata,
    ModelReference,
    ModelServerRef,
    Observed,
    Status,
    StatusText,
    TagName,
)
from rasa_environments.api.conditions import Conditions, Truth
from rasa_environments.api.rules import Keyed, Rule, TransitionRule, matches, rule

MAXIMUM_TAG_LENGTH = 63
MAXIMUM_HISTORY = 100
MAXIMUM_FOLLOWERS = 256
"""As many environments as a status lists."""
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

    model: ModelName | None = None
    """Name of the model that carries the tag, for example 20260101-120000 (without .tar.gz). Absent: the tag stays
    where it is, and is only looked at."""
    tag: TagName | None = None
    """Tag that the model gets on the server; default metadata.name. It cannot be changed."""
    model_server_ref: ModelServerRef | None = None
    """Which ModelServer holds the model; default the one called `default` in its namespace. It cannot be changed."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """Whether the tag stays on the server (Retain) or is taken away (Delete) when this object is deleted. It stays when
    the whole namespace is deleted."""
    history_limit: Annotated[int, Field(ge=0, le=MAXIMUM_HISTORY, strict=True)] = 10
    """How many earlier models the status remembers."""


class HistoryEntry(ApiModel):
    """A model that carried the tag."""

    model: StatusText
    """Name of the model that carried the tag."""
    hash: StatusText
    """Its hash, as the model server reports it."""
    tagged_time: str = Field(json_schema_extra={"format": "date-time"})
    """When the operator saw the tag on it first (RFC 3339, UTC)."""
    promoted_by: StatusText | None = None
    """User who promoted it, as the annotation rasa-environments.io/promoted-by said then; absent where it said nothing,
    and where the model's content was replaced on the server."""


class Follower(ApiModel):
    """An environment that pulls the tag."""

    namespace: StatusText
    """Namespace of the environment that pulls the tag."""
    name: StatusText
    """Name of the environment that pulls the tag."""
    served: Truth
    """Whether every pod of the environment serves the tagged model."""
    ready: Truth
    """Whether the environment is Ready."""


class ModelTagStatus(Status):
    """What was seen of a tag."""

    tag: StatusText | None = None
    """Tag that the model has on the server."""
    tagged_model: ModelReference | None = None
    """Model that carries the tag."""
    previous_model: ModelReference | None = None
    """Model that carried it before: where `rollback` goes."""
    history: Annotated[list[HistoryEntry], Field(max_length=MAXIMUM_HISTORY)] | None = None
    """Models that carried the tag, the latest first: what was promoted, when, and by whom."""
    environments: (
        Annotated[list[Follower], Field(max_length=MAXIMUM_FOLLOWERS), Keyed(("namespace", "name"))] | None
    ) = None
    """Environments that pull the tag."""
    conditions: Conditions | None = None
    """Ready, Tagged, Served, Reconciling and Stalled."""


class ModelTag(ApiModel):
    """Which model carries a tag: changing `spec.model` promotes a model."""

    @rule(
        f"has(self.spec.tag) || self.metadata.name.size() <= {MAXIMUM_TAG_LENGTH}",
        f"metadata.name is the tag and may have at most {MAXIMUM_TAG_LENGTH} characters; for another tag set spec.tag",
        ".metadata.name",
    )
    def _name_can_be_a_tag(self) -> bool:
        return self.spec.tag is not None or len(self.metadata.name) <= MAXIMUM_TAG_LENGTH

    _tag_stays = TransitionRule(
        "(has(self.spec.tag) ? self.spec.tag : self.metadata.name)"
        " == (has(oldSelf.spec.tag) ? oldSelf.spec.tag : oldSelf.metadata.name)",
        "spec.tag may not be changed: the history is that of one tag; create another ModelTag instead",
        ".spec.tag",
    )

    _model_server_stays = TransitionRule(
        "(has(self.spec.modelServerRef) ? self.spec.modelServerRef.name : 'default')"
        " == (has(oldSelf.spec.modelServerRef) ? oldSelf.spec.modelServerRef.name : 'default')"
        " && (has(self.spec.modelServerRef) && has(self.spec.modelServerRef.__namespace__)"
        " ? self.spec.modelServerRef.__namespace__ : '')"
        " == (has(oldSelf.spec.modelServerRef) && has(oldSelf.spec.modelServerRef.__namespace__)"
        " ? oldSelf.spec.modelServerRef.__namespace__ : '')",
        "spec.modelServerRef may not be changed: the history is that of one server; create another ModelTag instead",
        ".spec.modelServerRef",
    )

    metadata: Metadata
    spec: ModelTagSpec
    status: Observed[ModelTagStatus] = ModelTagStatus()

    @property
    def tag(self) -> str:
        """The tag: the spec's, or the object's name."""
        return self.spec.tag or self.metadata.name

    @property
    def promoted_by(self) -> str | None:
        """The user whose promotion the spec is, where admission wrote it down."""
        return self.metadata.annotations.get(PROMOTED_BY_ANNOTATION) or None
