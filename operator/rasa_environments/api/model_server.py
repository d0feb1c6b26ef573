"""ModelServer: where models and tags live, and what its environments share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import (
    ApiModel,
    DnsLabel,
    Metadata,
    ObjectName,
    Rule,
    SecretKeyRef,
    SecretRef,
    TagName,
    Text,
    api_config,
    rules,
)
from rasa_environments.api.conditions import Conditions
from rasa_environments.api.deployment_environment import EnvironmentDefaults

URL_RULE = Rule(
    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != '' && !self.contains('?')",
    "must be an http(s) URL with a host and no query, for example http://rasa-x:5002",
)


class Profile(StrEnum):
    """Which generation of server this is: it chooses command line, endpoint paths and uniqueness rules."""

    MODEL_SERVER = "ModelServer"


class ModelServerSpec(ApiModel):
    """What is wanted of a ModelServer."""

    model_config = api_config(
        rules(
            Rule(
                "!has(self.modelPath) || self.modelPath.contains('{tag}')",
                "modelPath must contain {tag}, for example /projects/{project}/models/tags/{tag}",
            )
        )
    )

    url: Annotated[str, Field(min_length=1, max_length=2048, json_schema_extra=rules(URL_RULE))]
    """Base address of the server, without `/api`: for example http://rasa-x:5002."""
    profile: Literal["ModelServer"] = "ModelServer"
    """ModelServer: the server of this project, or any that speaks the pull protocol of Rasa."""
    project: TagName = "default"
    """Project that holds the models."""
    model_path: Annotated[str, Field(min_length=1, max_length=1024, pattern="^/")] | None = None
    """Path under `url` where a tag's model is pulled, with {project} and {tag}; default /api/projects/{project}/models/tags/{tag}."""
    credentials_secret_ref: SecretRef | None = None
    """Secret with `token` (to pull) and, to write tags, `apiToken` or `username` and `password`."""
    auth_token_secret_ref: SecretKeyRef | None = None
    """Token that all environments of this server share; absent: one generated token per environment."""
    defaults: EnvironmentDefaults | None = None
    """A partial spec that is merged under the spec of each environment of this server."""
    allowed_namespaces: Annotated[list[DnsLabel], Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "set"})] | None = None
    """Namespaces, besides its own, whose environments and tags may refer to this server."""


class InventoryEntry(ApiModel):
    """A tag that is deleted from the server once its ModelTag (deletionPolicy Delete) is gone."""

    tag: TagName
    """The tag on the server."""
    namespace: DnsLabel
    """Namespace of the ModelTag."""
    name: ObjectName
    """Name of the ModelTag."""


class ModelServerStatus(ApiModel):
    """What was seen of a ModelServer."""

    observed_generation: int | None = None
    """The metadata.generation that this status speaks of."""
    version: Text | None = None
    """Version that the server reports."""
    environments: int | None = None
    """How many environments refer to this server."""
    tags: int | None = None
    """How many ModelTags refer to this server."""
    models: int | None = None
    """How many models the server holds."""
    inventory: (
        Annotated[
            list[InventoryEntry],
            Field(max_length=4096, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["tag"]}),
        ]
        | None
    ) = None
    """Tags to delete from the server when their ModelTag is gone."""
    conditions: Conditions | None = None
    """Ready, Reconciling and Stalled."""


class ModelServer(ApiModel):
    """Where models and tags live, and what its environments share."""

    metadata: Metadata
    spec: ModelServerSpec
    status: ModelServerStatus = ModelServerStatus()


