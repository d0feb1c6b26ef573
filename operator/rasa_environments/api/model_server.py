"""ModelServer: a server of models and tags, and the defaults of its environments."""

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
from rasa_environments.api.promotion_windows import MAXIMUM_WINDOWS, Freeze, PromotionWindow
from rasa_environments.api.rules import Keyed, Rule, matches
from rasa_environments.api.traffic import LabelSelector
from rasa_environments.api.urls import url_rule

BaseUrl = Annotated[
    str,
    Field(max_length=2048),
    url_rule(
        "must be an http(s) URL with a host and no user name or query, for example http://rasa-x:5002"
        " (tokens and passwords belong in the Secret of credentialsSecretRef)"
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
    """Generation of the server, which decides the command line, variables, uniqueness rules and registration."""

    RASA_X_0_2 = "RasaX-0.2"
    RASA_X_0_32 = "RasaX-0.32"
    RASA_ENTERPRISE_1_0 = "RasaEnterprise-1.0"
    OPEN_SOURCE = "OpenSource"
    RASA_PRO = "RasaPro"


class Registration(StrEnum):
    """How a server learns which environments it has."""

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
    """The environments.yml of a Rasa X before 1.0, which reads it at startup."""

    secret_name: ObjectName | None = None
    """Secret to write the file to, under the key environments.yml; default `<metadata.name>-environments`."""
    deployment_name: ObjectName | None = None
    """Deployment of Rasa X, in the ModelServer's namespace, to restart when the file changes."""


class AccessFrom(ApiModel):
    """Namespaces from which objects may refer to this one, by name and by selector."""

    namespaces: Annotated[list[DnsLabel], Field(max_length=256), Keyed()] | None = None
    """Names of namespaces, in addition to the object's own."""
    namespace_selectors: Annotated[list[LabelSelector], Field(max_length=16)] | None = None
    """Label selectors for namespaces; an empty selector matches all. They need the operator's permission to read
    namespaces, which an installation limited to some namespaces does not have."""


class ModelServerSpec(ApiModel):
    """Desired state of a ModelServer."""

    url: BaseUrl
    """Base URL of the server, without `/api`, for example http://rasa-x:5002."""
    profile: Literal["RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0", "OpenSource", "RasaPro"] = "OpenSource"
    """Product and generation of its environments, which decides how they are run and registered
    (docs/explanation/profiles.md). OpenSource and RasaPro pull from the model server of this project, or from any
    that implements Rasa's pull protocol."""
    registration: Literal["API", "File", "None"] | None = None
    """How to register environments: API writes them to /api/environments; File writes environments.yml to a Secret,
    since it holds tokens; None does nothing. Default: API for RasaEnterprise-1.0, File for RasaX, else None."""
    environments_file: EnvironmentsFile | None = None
    """Where to write environments.yml, and which Deployment to restart so that it is read. Used with registration File
    only."""
    project: TagName = "default"
    """Project of the server that holds the models; `default` unless it has several."""
    model_path: ModelPath | None = None
    """Path under `url` to pull the model of a tag from, with {project} and {tag}; default
    /api/projects/{project}/models/tags/{tag}."""
    credentials_secret_ref: SecretRef | None = None
    """Secret with `token` (to pull) and, to write tags, `apiToken` or `username` and `password`; registration by API
    needs user name and password. Only `token` is copied to environments."""
    auth_token: SecretValue | None = None
    """Token shared by the environments in this server's namespace; by default, and in other namespaces, each
    environment gets a generated token."""
    defaults: EnvironmentDefaults | None = None
    """A partial spec, merged into the spec of each environment of this server, which takes precedence. Its secret
    values apply to environments of this namespace; one in another namespace must set its own."""
    access_from: AccessFrom | None = None
    """Other namespaces whose environments and tags may refer to this server. Of the Secrets in this namespace, only the
    pull token and the certificate authorities of `tls` are copied there."""
    freeze: Freeze | None = None
    """Stops all promotions on this server, except rollbacks to a model that a tag had before."""
    promotion_windows: Annotated[list[PromotionWindow], Field(max_length=MAXIMUM_WINDOWS), Keyed(("name",))] | None = (
        None
    )
    """When tags of this server may get another model; by default always. Rollbacks to a model that a tag had before are
    never held."""
    tls: Tls | None = None
    """Certificate authorities to verify an https URL with; default those of the images. Only `ca.crt` of the Secret is
    used."""


class PendingTagDeletion(ApiModel):
    """A tag to delete from the server once its ModelTag (deletionPolicy Delete) is gone."""

    tag: StatusText
    """The tag on the server."""
    namespace: StatusText
    """Namespace of the ModelTag that requested the tag."""
    name: StatusText
    """Name of the ModelTag that requested the tag."""


class ModelServerStatus(Status):
    """Observed state of a ModelServer."""

    version: StatusText | None = None
    """Version that the server reports."""
    environment_count: Count | None = None
    """Number of environments that refer to this server."""
    tag_count: Count | None = None
    """Number of ModelTags that refer to this server."""
    model_count: Count | None = None
    """Number of models on the server."""
    pending_tag_deletions: Annotated[list[PendingTagDeletion], Field(max_length=4096), Keyed(("tag",))] | None = None
    """Tags to delete from the server once their ModelTag is gone."""
    registered_environments: Annotated[list[StatusText], Field(max_length=4096), Keyed()] | None = None
    """Environments registered by this operator, to be unregistered once they are gone."""
    conditions: Conditions | None = None
    """Ready, Writable, Reconciling and Stalled, and Registered if the server has a registry."""


class ModelServer(ApiModel):
    """A server of models and tags, and the defaults of its environments."""

    metadata: Metadata
    spec: ModelServerSpec
    status: Observed[ModelServerStatus] = ModelServerStatus()

    @property
    def registration(self) -> Registration:
        """How its environments are registered: as the spec says, else the default of its profile."""
        if self.spec.registration is not None:
            return Registration(self.spec.registration)
        return DEFAULT_REGISTRATIONS[Profile(self.spec.profile)]

    @property
    def environments_secret(self) -> str:
        """Name of the Secret with environments.yml."""
        file = self.spec.environments_file
        return (file and file.secret_name) or f"{self.metadata.name}-environments"
