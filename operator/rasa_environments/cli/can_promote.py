"""`can-promote`: whether a promotion would be allowed, in the style of `kubectl auth can-i`."""

from __future__ import annotations

import typer

from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, execute, explained
from rasa_environments.cli.permission import Permission
from rasa_environments.cli.promote import permission_to_promote
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cluster.errors import ApiError, ConfigurationError

EXIT_CODES = {
    ExitCode.DONE: "yes",
    ExitCode.REFUSED: "no",
    ExitCode.NOT_FOUND: "the environment does not exist",
    ExitCode.UNKNOWN: "it could not be determined; the message says why",
}


def can_promote(environment: Environment, where: ClusterOptions, namespace: Namespace = None) -> None:
    """Say whether you may promote to an environment, and why not."""

    async def command() -> None:
        permission = await asked(environment, where, namespace)
        answer = "yes" if permission.allowed else "no"
        typer.echo(f"{answer} - {permission.reason}" if permission.reason else answer)
        if not permission.allowed:
            raise typer.Exit(ExitCode.REFUSED)

    execute(command())


async def asked(environment: str, where: ClusterOptions, namespace: str | None) -> Permission:
    """Return the API server's answer.

    Raises CommandError, with different exit codes for no environment and no answer.
    """
    try:
        async with session(where, namespace) as connected:
            target, tag = await environment_and_tag(connected, environment)
            return await permission_to_promote(connected, target, tag)
    except ConfigurationError as error:
        cause = str(error)
    except ApiError as error:
        cause = explained(error)
    raise CommandError(f"could not ask whether you may promote to {environment}: {cause}", ExitCode.UNKNOWN)
