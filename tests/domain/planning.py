"""The secret values that are planned for an environment."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION, DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.generated import Issued, generate
from rasa_environments.domain.planning import plan
from rasa_environments.domain.resolving import Resolved
from rasa_environments.domain.secret_contents import SecretContents
from rasa_environments.domain.secret_values import named_values
from rasa_environments.reconcile.environment import new_token
from tests.reconcile.objects import environment_body, server

KEPT = "4f" * 32
PASSWORDS, SHARED, CREDENTIALS = (
    ObjectKey("bots", "passwords"),
    ObjectKey("platform", "shared"),
    ObjectKey("bots", "rasa-x"),
)
SECRET: JsonObject = {"secretKeyRef": {"name": "passwords", "key": "k"}}
Contents = Mapping[ObjectKey, Mapping[str, bytes]]


def environment(rotate: str | None = None, **spec: Any) -> DeploymentEnvironment:
    """Return an environment, optionally with the annotation that requests a new token."""
    body = environment_body("support", uid="uid-1", **spec)
    if rotate is not None:
        body["metadata"]["annotations"] = {ROTATE_TOKEN_ANNOTATION: rotate}
    return DeploymentEnvironment.model_validate(body)


def own_secret(token: str = KEPT, *, rotated_at: str | None = None, owner: str = "uid-1") -> JsonObject:
    """The environment's Secret as the API server shows it."""
    return {
        "metadata": {
            "annotations": {ROTATED_AT_ANNOTATION: rotated_at} if rotated_at else None,
            "ownerReferences": [{"uid": owner}],
        },
        "data": {"token": b64encode(token.encode()).decode()},
    }


def values_of(
    environment: DeploymentEnvironment,
    contents: Contents | None = None,
    *,
    model_server: ModelServer | None = None,
    own: JsonObject | None = None,
    issued: Issued | None = None,
) -> Issued | Problem:
    """The secret values that are planned where these Secrets are there."""
    found = model_server or server()
    spec = merged_spec(environment, found)
    resolved = Resolved(environment, found, spec, named_values(environment, found, spec), ())
    generated = generate(environment, own, issued, new_token)
    context = plan(resolved, SecretContents(contents or {}), generated)
    if isinstance(context, Problem):
        return context
    return Issued(context.secret_values, context.token_rotated_at, context.salt)


def values(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> Mapping[str, str]:
    """The values, where none is missing."""
    found = values_of(environment, contents, **more)
    assert isinstance(found, Issued), found
    return found.values


def problem(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> Problem:
    """What is missing."""
    found = values_of(environment, contents, **more)
    assert isinstance(found, Problem), found
    return found


RASA_X = server(profile="RasaX-0.32", credentialsSecretRef={"name": "rasa-x"})
