"""ModelServer: where models and tags live, and what its environments share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import (
    ApiModel,
    Count,
    DnsLabel,
    Metadata,
    ObjectName,
    Observed,
    SecretRef,
    SecretValue,
    Status,
    StatusText,
    TagName,
    Tls,
)
from rasa_environments.api.conditions import Conditions
from rasa_environments.api.deployment_environment import EnvironmentDefaults
from rasa_environments.api.rules import Keyed, Rule, matches
from rasa_environments.api.traffic import LabelSelector
from rasa_environments.api.urls import url_rule

BaseUrl = Annotated[
    str,
    Field(max_length=2048),
    url_rule(
        "must be an http(s) URL with a host and no user name or query, for example http://rasa-x:5002"
        " (tokens and passwords belong into the Secret of credentialsSecretRef)"
    ),
    Rule(
        "!self.matches('/api/?$')",
        "may not end in /api, which is added",
        lambda url: not url.endswith(("/api", "/api/")),
    ),
]
ModelPath = Annotated[
    str,
    Field(max_length=1024),
    matches(
        r"^(/([A-Za-z0-9._~:@-]|\{project\}|\{tag\})*)*$",
        "modelPath must begin with / and have no braces but {project} and {tag}, and no query",
    ),
    Rule(
        "self.contains('{tag}')",
        "modelPath must contain {tag}, for example /projects/{project}/models/tags/{tag}",
        lambda path: "{tag}" in path,
    ),
]


class Profile(StrEnum):
    """Which generation of server this is: it chooses command line, variables, uniqueness rules and registration."""

    RASA_X_0_2 = "RasaX-0.2"
    RASA_X_0_32 = "RasaX-0.32"
    RASA_ENTERPRISE_1_0 = "RasaEnterprise-1.0"
    OPEN_SOURCE = "OpenSource"
    RASA_PRO = "RasaPro"


class Registration(StrEnum):
    """How a server learns of the environments that it has."""

    API = "API"
    FILE = "File"
    NONE = "None"


DEFAULT_REGISTRATIONS = {
    Profile.RASA_X_0_2: Registration.FILE,
    Profile.RASA_X_0_32: Registration.FILE,
    Profile.RASA_ENTERPRISE_1_0: Registration.API,
    Profile.OPEN_SOURCE: Registration.NONE,
    Profile.RASA_PRO: Registration.NONE,
}


class EnvironmentsFile(ApiModel):
    """The environments.yml of a Rasa X before 1.0, which reads it at its start."""

    secret_name: ObjectName | None = None
    """Secret that the file is written to, under the key environments.yml; default `<metadata.name>-environments`."""
    deployment_name: ObjectName | None = None
    """Deployment of Rasa X, in the ModelServer's namespace, that is restarted when the file changes."""


class AccessFrom(ApiModel):
    """Namespaces that an object may be referred to from: those of the list, and those that a selector selects."""

    namespaces: Annotated[list[DnsLabel], Field(max_length=256), Keyed()] | None = None
    """Namespaces by their names, besides the object's own."""
    namespace_selectors: Annotated[list[LabelSelector], Field(max_length=16)] | None = None
    """Labels of namespaces; an empty selector admits all. They need the operator's right to read namespaces, which an
    installation for chosen namespaces does not have."""


class ModelServerSpec(ApiModel):
    """What is wanted of a ModelServer."""

    url: BaseUrl
    """Base address of the server, without `/api`: for example http://rasa-x:5002."""
    profile: Literal["RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0", "OpenSource", "RasaPro"] = "OpenSource"
    """Which product its environments belong to, and of which generation: it decides how they are run and registered
    (docs/explanation/profiles.md). OpenSource and RasaPro pull from the server of this project, or from any that speaks
    the pull protocol of Rasa."""
    registration: Literal["API", "File", "None"] | None = None
    """How environments are registered: API writes them to /api/environments; File writes environments.yml, into a
    Secret since it holds tokens; None does nothing. Default: API for RasaEnterprise-1.0, File for RasaX, else None."""
    environments_file: EnvironmentsFile | None = None
    """Where environments.yml goes, and who is restarted to read it. Used with registration File alone."""
    project: TagName = "default"
    """Project of the server that holds the models; `default` unless it has several."""
    model_path: ModelPath | None = None
    """Path under `url` where a tag's model is pulled, with {project} and {tag}; default
    /api/projects/{project}/models/tags/{tag}."""
    credentials_secret_ref: SecretRef | None = None
    """Secret with `token` (to pull) and, to write tags, `apiToken` or `username` and `password`; registering by API
    wants the latter. Environments get a copy of `token` alone."""
    auth_token: SecretValue | None = None
    """Token that the environments of this server's namespace share; absent, and elsewhere: one generated token per
    environment."""
    defaults: EnvironmentDefaults | None = None
    """A partial spec that is merged under the spec of each environment of this server. Secret values in it are for
    environments of this namespace; one elsewhere has to set its own."""
    access_from: AccessFrom | None = None
    """Namespaces, besides its own, whose environments and tags may refer to this server. Of the Secrets of this
    namespace the token to pull and the authorities of `tls` are copied there, and nothing else."""
    tls: Tls | None = None
    """With which authorities the certificate of an https URL is verified; default those of the images. Of the Secret
    `ca.crt` alone is read."""


class PendingTagDeletion(ApiModel):
    """A tag that is deleted from the server once its ModelTag (deletionPolicy Delete) is gone."""

    tag: StatusText
    """The tag on the server."""
    namespace: StatusText
    """Namespace of the ModelTag that asked for the tag."""
    name: StatusText
    """Name of the ModelTag that asked for the tag."""


class ModelServerStatus(Status):
    """What was seen of a ModelServer."""

    version: StatusText | None = None
    """Version that the server reports."""
    environment_count: Count | None = None
    """How many environments refer to this server."""
    tag_count: Count | None = None
    """How many ModelTags refer to this server."""
    model_count: Count | None = None
    """How many models the server holds."""
    pending_tag_deletions: Annotated[list[PendingTagDeletion], Field(max_length=4096), Keyed(("tag",))] | None = None
    """Tags to delete from the server when their ModelTag is gone."""
    registered_environments: Annotated[list[StatusText], Field(max_length=4096), Keyed()] | None = None
    """Environments that this operator registered, to be taken out of the registry when they are gone."""
    conditions: Conditions | None = None
    """Ready, Writable, Reconciling and Stalled, and Registered where the server has a registry."""


class ModelServer(ApiModel):
    """Where models and tags live, and what its environments share."""

    metadata: Metadata
    spec: ModelServerSpec
    status: Observed[ModelServerStatus] = ModelServerStatus()

    @property
    def registration(self) -> Registration:
        """How its environments are registered: as the spec says, else as its profile's page does."""
        if self.spec.registration is not None:
            return Registration(self.spec.registration)
        return DEFAULT_REGISTRATIONS[Profile(self.spec.profile)]

    @property
    def environments_secret(self) -> str:
        """Name of the Secret with environments.yml."""
        file = self.spec.environments_file
        return (file and file.secret_name) or f"{self.metadata.name}-environments"
