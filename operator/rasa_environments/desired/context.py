"""The input that all objects of an environment are built from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from rasa_environments.api.base import API_VERSION, JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec, Role, UpdateStrategy
from rasa_environments.api.model_server import ModelServer, Profile

ENVIRONMENT_LABEL = "rasa-environments.io/environment"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
NAME_OF_RASA_SERVERS = "rasa"
NAME_OF_ACTION_SERVERS = "rasa-actions"
CANDIDATE_LABEL = "rasa-environments.io/candidate-of"
"""Label of a candidate's pods: the name of the environment next to which it runs."""
NAME_OF_CANDIDATES = "rasa-candidate"
VERIFICATION_LABEL = "rasa-environments.io/verification-of"
"""Label of the Jobs that test a server of an environment, and of their pods: the name of the environment."""
NAME_OF_VERIFICATIONS = "rasa-verification"
MANAGED_BY = "rasa-environments"
SELECTOR_OF_CHILDREN = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
ROTATED_AT_ANNOTATION = "rasa-environments.io/token-rotated-at"
CONFIG_DIGEST_ANNOTATION = "rasa-environments.io/config-digest"
MODEL_HASH_ANNOTATION = "rasa-environments.io/model-hash"

CHILD_SUFFIX = "-rasa"
ACTION_SERVER_SUFFIX = "-actions"
CANDIDATE_SUFFIX = "-candidate"
CHILD_SUFFIXES = (CHILD_SUFFIX, ACTION_SERVER_SUFFIX, CANDIDATE_SUFFIX)
"""What the names of children end in: no name ends in two of them, so a child's name tells its environment."""
LONGEST_DATABASE_NAME = 63
DEFAULT_PORT = 5005
ROLE_NAMES = {"production": Role.PRODUCTION, "worker": Role.WORKER}


def child_key(environment: ObjectKey) -> ObjectKey:
    """Return the namespace and name of the children of an environment, but those of action server and candidate."""
    return ObjectKey(environment.namespace, environment.name + CHILD_SUFFIX)


def action_server_key(environment: ObjectKey) -> ObjectKey:
    """Return the namespace and name of the children of an environment's action server."""
    return ObjectKey(environment.namespace, environment.name + ACTION_SERVER_SUFFIX)


def candidate_key(environment: ObjectKey) -> ObjectKey:
    """Return the namespace and name of the children of an environment's candidate."""
    return ObjectKey(environment.namespace, environment.name + CANDIDATE_SUFFIX)


def environment_key(child: ObjectKey) -> ObjectKey | None:
    """Return the namespace and name of the environment that a child of this name would belong to."""
    suffix = next((each for each in CHILD_SUFFIXES if child.name.endswith(each)), None)
    return None if suffix is None else ObjectKey(child.namespace, child.name.removesuffix(suffix))


def profile_of_environment(environment: DeploymentEnvironment, server: ModelServer) -> Profile:
    """Return the profile of an environment: its own, or that of its server."""
    return Profile(environment.spec.profile or server.spec.profile)


@dataclass(frozen=True)
class OperatorPods:
    """The pods that the operator runs in."""

    namespace: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Context:
    """An environment, its model server, and the values found for them: all that its objects depend on."""

    environment: DeploymentEnvironment
    server: ModelServer
    spec: EnvironmentSpec
    """The environment's spec merged with the defaults of its server, without `podTemplate` (merging.merged_spec)."""
    secret_values: Mapping[str, str] = field(repr=False)
    """Value by variable: RASA_TOKEN, RASA_X_TOKEN if there is one, and those of secret_variables."""
    salt: str = field(repr=False)
    """Random text in the Secret, so that weak passwords cannot be guessed from its digest."""
    certificates: Mapping[str, str] = field(default_factory=dict, repr=False)
    """PEM files by their key in the environment's Secret (tls.key_in_secret)."""
    token_rotated_at: str | None = None
    """The rotation request that the token was generated for."""
    model_hash: str | None = None
    """Hash of the model that the pods were last rolled out for, with updateStrategy RollingUpdate."""
    operator_pods: OperatorPods | None = None
    """The pods from which the operator connects; None outside of a cluster."""
    tested_by_job: bool = False
    """Whether the pods of Jobs that test the environment may connect to it."""

    def makes_the_same_as(self, other: Context) -> bool:
        """Return whether all objects are the same: of environment and server, they depend on specs and names only."""
        return (
            self.environment.spec == other.environment.spec
            and self.server.spec == other.server.spec
            and self.environment.metadata.uid == other.environment.metadata.uid
            and self.environment.metadata.key == other.environment.metadata.key
            and self.server.metadata.key == other.server.metadata.key
            and replace(self, environment=other.environment, server=other.server) == other
        )

    @property
    def profile(self) -> Profile:
        """Profile of the environment."""
        return profile_of_environment(self.environment, self.server)

    @property
    def key(self) -> ObjectKey:
        """Namespace and name of the children."""
        return child_key(self.environment.metadata.key)

    @property
    def port(self) -> int:
        """Port of the Rasa server."""
        return port_of(self.spec)

    @property
    def service_port(self) -> int:
        """Port of the Service."""
        return service_port_of(self.spec)

    @property
    def role(self) -> Role:
        """The role of the spec, else the one implied by the names production and worker, regardless of case."""
        if self.spec.role is not None:
            return Role(self.spec.role)
        return ROLE_NAMES.get(self.environment.environment.lower(), Role.CUSTOM)

    @property
    def rolls_on_promotion(self) -> bool:
        """Whether moving the tag starts a rolling update."""
        return self.spec.model is not None and self.spec.model.update_strategy == UpdateStrategy.ROLLING_UPDATE.value

    @property
    def pull_period_seconds(self) -> int:
        """Seconds between two pulls."""
        return (self.spec.model and self.spec.model.pull_period_seconds) or 10

    @property
    def model_required(self) -> bool:
        """Whether an environment without a model is not ready."""
        return self.spec.model is None or self.spec.model.required is not False

    @property
    def model_url(self) -> str:
        """URL from which the environment's Rasa servers pull their model."""
        return tag_url(self.server, self.environment.tag)

    @property
    def database(self) -> str:
        """Name of the environment's own database."""
        return own_database(self.environment)

    @property
    def server_url(self) -> str:
        """Base URL of the model server, without /api."""
        return self.server.spec.url.rstrip("/")

    @property
    def url(self) -> str:
        """URL of the Rasa server inside the cluster."""
        return url_of_service(self.environment.metadata.key, self.spec)

    @property
    def selector(self) -> dict[str, str]:
        """Labels that select the environment's Rasa servers."""
        return {NAME_LABEL: NAME_OF_RASA_SERVERS, INSTANCE_LABEL: self.environment.metadata.name}

    @property
    def candidate_selector(self) -> dict[str, str]:
        """Labels of the pods of its candidate, which are also those that select them."""
        return {NAME_LABEL: NAME_OF_CANDIDATES, CANDIDATE_LABEL: self.environment.metadata.name}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every child."""
        return {
            **self.selector,
            "app.kubernetes.io/component": self.role.lower(),
            "app.kubernetes.io/part-of": "rasa-environments",
            MANAGED_BY_LABEL: MANAGED_BY,
            ENVIRONMENT_LABEL: self.environment.environment,
        }

    def metadata(
        self, *, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Return the metadata of a child: its name, labels and owner reference."""
        key = self.key
        metadata: JsonObject = {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {**(labels or {}), **self.labels},
            "ownerReferences": [controlled_by(self.environment)],
        }
        if annotations:
            metadata["annotations"] = dict(annotations)
        return metadata


def controlled_by(environment: DeploymentEnvironment) -> JsonObject:
    """Return the owner reference of an environment's children."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DeploymentEnvironment",
        "name": environment.metadata.name,
        "uid": environment.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def port_of(spec: EnvironmentSpec) -> int:
    """Return the port of the Rasa server, from a merged spec."""
    return (spec.rasa and spec.rasa.port) or DEFAULT_PORT


def service_port_of(spec: EnvironmentSpec) -> int:
    """Return the port of the Service, from a merged spec."""
    return (spec.service and spec.service.port) or port_of(spec)


def url_of_service(environment: ObjectKey, spec: EnvironmentSpec) -> str:
    """Return the URL of an environment's Service, from its merged spec."""
    key = child_key(environment)
    return f"http://{key.name}.{key.namespace}.svc:{service_port_of(spec)}"


def identifier(environment: DeploymentEnvironment) -> str:
    """Return the environment's name as a database identifier: letters, digits and `_`."""
    return re.sub(r"[^a-z0-9]+", "_", environment.environment.lower())


def own_database(environment: DeploymentEnvironment, purpose: str = "") -> str:
    """Return the default database of an environment, ending in `purpose`.

    It is lower case, with `_`, and has at most 63 bytes, as PostgreSQL requires: Rasa creates it by CREATE DATABASE
    without quotes, which would truncate a longer name, and then looks for the full name.
    """
    name = f"rasa_{identifier(environment)}{purpose}"
    if len(name) <= LONGEST_DATABASE_NAME:
        return name
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_DATABASE_NAME - len(digest) - 1]}_{digest}"


def own_queue(environment: DeploymentEnvironment) -> str:
    """Return the default queue of an environment, as on the page of Rasa X 0.2x: rasa_experimental_events."""
    return f"rasa_{identifier(environment)}_events"


def tag_url(server: ModelServer, tag: str) -> str:
    """Return the URL to pull a tag's model from: modelPath, or the path that every generation of Rasa X serves."""
    path = server.spec.model_path or "/api/projects/{project}/models/tags/{tag}"
    return server.spec.url.rstrip("/") + path.replace("{project}", server.spec.project).replace("{tag}", tag)


def named_model_url(server: ModelServer, model: str) -> str:
    """Return the URL to pull a model from by its name, which every generation of Rasa X serves beside the tags."""
    return f"{server.spec.url.rstrip('/')}/api/projects/{server.spec.project}/models/{model}"
