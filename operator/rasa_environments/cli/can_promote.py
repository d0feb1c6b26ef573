"""`can-promote`: whether a promotion would be allowed, in the style of `kubectl auth can-i`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, execute, explained
from rasa_environments.cli.output import Output, OutputFormat, name_of, show
from rasa_environments.cli.permission import Permission
from rasa_environments.cli.promote import permission_to_promote
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS

EXIT_CODES = {
    ExitCode.DONE: "yes",
    ExitCode.REFUSED: "no",
    ExitCode.NOT_FOUND: "the environment does not exist",
    ExitCode.UNKNOWN: "it could not be determined; the message says why",
}


def can_promote(
    environment: Environment,
    where: ClusterOptions,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Say whether you may promote to an environment, and why not.

    As JSON and YAML, the answer has `allowed`, `reason`, and as `user` who asked; `-o name` prints the environment if
    you may, and else nothing.
    """

    async def command() -> None:
        permission = await asked(environment, where, namespace)
        answer = "yes" if permission.allowed else "no"
        show(
            output,
            text=lambda: f"{answer} - {permission.reason}" if permission.reason else answer,
            document=lambda: asdict(permission),
            names=[name_of(DEPLOYMENT_ENVIRONMENTS, environment)] if permission.allowed else [],
        )
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
