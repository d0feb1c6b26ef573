"""The environment that a command is about, and the ModelTag that owns its tag."""

from __future__ import annotations

from typing import Annotated

import typer

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.access import Session, parsed
from rasa_environments.cluster.client import ApiError
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_TAGS
from rasa_environments.domain.lister import Lister, server_of_environment

Environment = Annotated[str, typer.Argument(help="Name of the DeploymentEnvironment.", show_default=False)]


async def environment_and_tag(connected: Session, name: str) -> tuple[DeploymentEnvironment, ModelTag | None]:
    """Return the environment of that name, and the ModelTag that owns its tag, if there is one.

    Raises ApiError, and CommandError if there is no such environment.
    """
    environment = await connected.get(DeploymentEnvironment, DEPLOYMENT_ENVIRONMENTS, name)
    return environment, await model_tag_of(connected, environment)


async def model_tag_of(connected: Session, environment: DeploymentEnvironment) -> ModelTag | None:
    """Return the ModelTag that owns the environment's tag: the oldest one in its namespace or the server's."""
    server = server_of_environment(environment)
    found = Lister()
    for namespace in sorted({environment.metadata.namespace, server.namespace}):
        try:
            listing = await connected.client.list(MODEL_TAGS, namespace)
        except ApiError as error:
            if error.status == 403 and namespace != environment.metadata.namespace:
                continue  # a ModelTag that we may not see makes ours a conflict, which is then reported
            raise
        for item in listing.items:
            found.tags.put(parsed(ModelTag, item))
    claims = found.claims(server, environment.tag)
    return claims[0] if claims else None
