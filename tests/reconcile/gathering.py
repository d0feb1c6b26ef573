"""The secret values that are gathered for an environment."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from unittest.mock import AsyncMock, Mock

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION, DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cluster.secrets import Secrets
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.facts import Problem
from rasa_environments.reconcile.secret_values import (
    SecretValues,
    gathered,
    wanted_variables,
)
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
    """An environment, perhaps with the annotation that asks for a new token."""
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


async def values_of(
    environment: DeploymentEnvironment,
    contents: Contents | None = None,
    *,
    model_server: ModelServer | None = None,
    own: JsonObject | None = None,
    settled: SecretValues | None = None,
) -> SecretValues | Problem:
    """What is gathered where these Secrets are there."""
    reader = Mock(spec=Secrets)
    reader.read = AsyncMock(side_effect=(contents or {}).get)
    found = model_server or server()
    variables = wanted_variables(environment, found, merged_spec(environment, found))
    return await gathered(reader, environment, found, variables, own=own, settled=settled)


async def values(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> dict[str, str]:
    """The values, where none is missing."""
    found = await values_of(environment, contents, **more)
    assert isinstance(found, SecretValues), found
    return found.values


async def problem(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> Problem:
    """What is missing."""
    found = await values_of(environment, contents, **more)
    assert isinstance(found, Problem), found
    return found


RASA_X = server(profile="RasaX-0.32", credentialsSecretRef={"name": "rasa-x"})
