"""ModelTag: which model carries a tag."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import ApiModel, DnsLabel, Metadata, ModelServerRef, ObjectName, Rule, TagName, Text, api_config, rules
from rasa_environments.api.conditions import Conditions

ModelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]


class ModelTagSpec(ApiModel):
    """What is wanted of a tag."""

    model: ModelName
    """Name of the model that carries the tag, for example 20260101-120000 (without .tar.gz)."""
    tag: TagName | None = None
    """The tag; default metadata.name."""
    model_server_ref: ModelServerRef | None = None
    """Which ModelServer holds the model; default the one called `default` in its namespace."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """Whether the tag stays on the server (Retain) or is taken away (Delete) when this object is deleted."""
    history_limit: Annotated[int, Field(ge=0, le=100)] = 10
    """How many earlier models the status remembers."""


class HistoryEntry(ApiModel):
    """A model that carried the tag."""

    model: Text
    """Name of the model."""
    hash: Text
    """Its hash, as the model server reports it."""
    tagged_at: str = Field(json_schema_extra={"format": "date-time"})
    """When the operator saw the tag on it first (RFC 3339, UTC)."""


class Follower(ApiModel):
    """An environment that pulls the tag."""

    namespace: DnsLabel
    """Namespace of the environment."""
    name: ObjectName
    """Name of the environment."""
    served: Text | None = None
    """Model that it serves."""
    ready: bool
    """Whether the environment is Ready."""


class ModelTagStatus(ApiModel):
    """What was seen of a tag."""

    observed_generation: int | None = None
    """The metadata.generation that this status speaks of."""
    model: Text | None = None
    """Model that carries the tag."""
    hash: Text | None = None
    """Its hash, as the model server reports it."""
    previous_model: Text | None = None
    """Model that carried it before: where `rollback` goes."""
    history: Annotated[list[HistoryEntry], Field(max_length=100)] | None = None
    """Models that carried the tag, the latest first."""
    environments: Annotated[list[Follower], Field(max_length=256)] | None = None
    """Environments that pull the tag."""
    conditions: Conditions | None = None
    """Ready, Tagged, Served, Reconciling and Stalled."""


class ModelTag(ApiModel):
    """Which model carries a tag: changing `spec.model` promotes a model."""

    model_config = api_config(
        rules(
            Rule(
                "has(self.spec.tag) || self.metadata.name.matches('^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$')"
                " && self.metadata.name.size() <= 63",
                "metadata.name must be a tag of at most 63 characters; for another tag set spec.tag",
            ),
        )
    )

    metadata: Metadata
    spec: ModelTagSpec
    status: ModelTagStatus = ModelTagStatus()

    @property
    def tag(self) -> str:
        """The tag: the spec's, or the object's name."""
        return self.spec.tag or self.metadata.name
