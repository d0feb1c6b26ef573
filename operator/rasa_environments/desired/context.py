"""Everything that the objects of an environment are made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from rasa_environments.api.base import API_VERSION, JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec, Role, UpdateStrategy
from rasa_environments.api.model_server import ModelServer

ENVIRONMENT_LABEL = "rasa-environments.io/environment"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGED_BY = "rasa-environments"
SELECTOR_OF_CHILDREN = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
ROTATED_AT_ANNOTATION = "rasa-environments.io/token-rotated-at"
CONFIG_DIGEST_ANNOTATION = "rasa-environments.io/config-digest"
MODEL_HASH_ANNOTATION = "rasa-environments.io/model-hash"

CHILD_SUFFIX = "-rasa"
LONGEST_DATABASE_NAME = 63
ROLE_NAMES = {"production": Role.PRODUCTION, "worker": Role.WORKER}


def child_key(environment: ObjectKey) -> ObjectKey:
    """Namespace and name of every child of an environment."""
    return ObjectKey(environment.namespace, environment.name + CHILD_SUFFIX)


def environment_key(child: ObjectKey) -> ObjectKey | None:
    """Namespace and name of the environment that a child of this name would belong to."""
    if not child.name.endswith(CHILD_SUFFIX):
        return None
    return ObjectKey(child.namespace, child.name.removesuffix(CHILD_SUFFIX))


@dataclass(frozen=True)
class OperatorPods:
    """The pods that the operator runs in."""

    namespace: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Context:
    """An environment, its server, and what was found out for them: all that the objects depend on."""

    environment: DeploymentEnvironment
    server: ModelServer
    spec: EnvironmentSpec
    """The environment's spec over its server's defaults, without `podTemplate` (merging.merged_spec)."""
    secret_values: Mapping[str, str] = field(repr=False)
    """Variable to value: RASA_TOKEN, RASA_X_TOKEN where there is one, and those of secret_variables."""
    certificates: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Key in the environment's Secret to a file in PEM (tls.key_in_secret)."""
    token_rotated_at: str | None = None
    """The rotation that the token stands for."""
    salt: str | None = field(default=None, repr=False)
    """Random text in the Secret, so that the digest of it lets nobody guess a weak password; None: see secret.py."""
    model_hash: str | None = None
    """Hash of the model that the pods were rolled for, with updateStrategy RollingUpdate."""
    operator_pods: OperatorPods | None = None
    """Where the operator asks from; None outside of a cluster."""

    @property
    def key(self) -> ObjectKey:
        """Namespace and name of the children."""
        return child_key(self.environment.metadata.key)

    @property
    def port(self) -> int:
        """Port of the Rasa server."""
        return (self.spec.rasa and self.spec.rasa.port) or 5005

    @property
    def service_port(self) -> int:
        """Port of the Service."""
        return (self.spec.service and self.spec.service.port) or self.port

    @property
    def role(self) -> Role:
        """The role as given, or as the names production and worker imply it, in whatever case."""
        if self.spec.role is not None:
            return Role(self.spec.role)
        return ROLE_NAMES.get(self.environment.environment.lower(), Role.CUSTOM)

    @property
    def rolls_on_promotion(self) -> bool:
        """Whether a moved tag rolls the pods."""
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
        """Where the environment's Rasa servers pull their model."""
        return tag_url(self.server, self.environment.tag)

    @property
    def database(self) -> str:
        """Name of the environment's own database."""
        return own_database(self.environment)

    @property
    def server_url(self) -> str:
        """Base address of the model server, without /api."""
        return self.server.spec.url.rstrip("/")

    @property
    def url(self) -> str:
        """Address of the Rasa server inside the cluster."""
        return f"http://{self.key.name}.{self.key.namespace}.svc:{self.service_port}"

    @property
    def selector(self) -> dict[str, str]:
        """Labels that select the environment's pods."""
        return {"app.kubernetes.io/name": "rasa", INSTANCE_LABEL: self.environment.metadata.name}

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
        """The metadata of a child: named, labelled, and owned by the environment."""
        metadata: JsonObject = {
            "name": self.key.name,
            "namespace": self.key.namespace,
            "labels": {**(labels or {}), **self.labels},
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "DeploymentEnvironment",
                    "name": self.environment.metadata.name,
                    "uid": self.environment.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        }
        if annotations:
            metadata["annotations"] = dict(annotations)
        return metadata


def identifier(environment: DeploymentEnvironment) -> str:
    """The environment's name as a database takes it: letters, digits and `_`."""
    return re.sub(r"[^a-z0-9]+", "_", environment.environment.lower())


def own_database(environment: DeploymentEnvironment, purpose: str = "") -> str:
    """The database of an environment that names none, with its `purpose` at the end.

    Lower case, `_`, and at most 63 bytes, as PostgreSQL has it.
    Rasa creates it by an unquoted CREATE DATABASE, which would cut a longer name and then look for the whole one.
    """
    name = f"rasa_{identifier(environment)}{purpose}"
    if len(name) <= LONGEST_DATABASE_NAME:
        return name
    digest = sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_DATABASE_NAME - len(digest) - 1]}_{digest}"


def own_queue(environment: DeploymentEnvironment) -> str:
    """The queue of one environment, as the page of Rasa X 0.2x names it: rasa_experimental_events."""
    return f"rasa_{identifier(environment)}_events"


def tag_url(server: ModelServer, tag: str) -> str:
    """Where a tag's model is pulled: modelPath, or the path that every generation of Rasa X answers."""
    path = server.spec.model_path or "/api/projects/{project}/models/tags/{tag}"
    return server.spec.url.rstrip("/") + path.replace("{project}", server.spec.project).replace("{tag}", tag)
