"""`can-promote`: whether a promotion would be permitted, as `kubectl auth can-i` says it."""

from __future__ import annotations

from typing import Annotated

import typer

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cli.access import Context, Kubeconfig, Namespace, session
from rasa_environments.cli.failures import execute
from rasa_environments.cli.promote import Environment, model_tag_of, permission_to_promote
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS

As = Annotated[
    str | None,
    typer.Option("--as", help="Ask for this user, whom you may impersonate.", show_default="yourself"),
]


def can_promote(
    environment: Environment,
    user: As = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Say whether you may promote to an environment, and why not: exit code 0 for yes, 1 for no."""

    async def command() -> None:
        async with session(kubeconfig, context, namespace, user) as connected:
            target = await connected.get(DeploymentEnvironment, DEPLOYMENT_ENVIRONMENTS, environment)
            tag = await model_tag_of(connected, target)
            permission = await permission_to_promote(connected, target, tag)
        answer = "yes" if permission.allowed else "no"
        typer.echo(f"{answer} - {permission.reason}" if permission.reason else answer)
        if not permission.allowed:
            raise typer.Exit(1)

    execute(command())
