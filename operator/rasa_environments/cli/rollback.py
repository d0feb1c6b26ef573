"""`rollback`: returns to the previous model."""

from __future__ import annotations

from typing import Annotated

import typer

from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.output import Output, OutputFormat
from rasa_environments.cli.promote import EXIT_CODES as EXIT_CODES_OF_PROMOTE
from rasa_environments.cli.promote import Following, Timeout, Until, Wait, promote_to
from rasa_environments.cli.promotion import Goal, rollback_target
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cli.writing import DryRun, DryRunOption, writes_of

EXIT_CODES = {
    **EXIT_CODES_OF_PROMOTE,
    ExitCode.NOT_FOUND: "the environment, model server or model does not exist, or no earlier model is known",
}


def rollback(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    environment: Environment,
    where: ClusterOptions,
    to: Annotated[
        str | None,
        typer.Option(
            help="Model in the history, by its name or its number in `history`: 1 is the one before the current one.",
            show_default="the model before",
        ),
    ] = None,
    wait: Wait = True,
    until: Until = Goal.SERVED,
    timeout: Timeout = 300.0,
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Promote the model that an environment had before, with the image of the action server that went with it.

    As JSON and YAML, it prints the ModelTag in the end.
    """

    async def command() -> None:
        async with writes_of(where, namespace, dry_run, output) as written:
            target, tag = await environment_and_tag(written.connected, environment)
            if tag is None:
                raise CommandError(
                    f"no ModelTag sets the tag {target.tag} of environment {target.metadata.key}, so no earlier "
                    f"model is known; name one: kubectl rasa promote MODEL {environment}",
                    ExitCode.NOT_FOUND,
                )
            wanted = rollback_target(tag, to)
            if wanted is None and to is not None:
                raise CommandError(
                    f"the history of ModelTag {tag.metadata.key} has no model {to}; see kubectl rasa history "
                    f"{environment}, or promote it: kubectl rasa promote MODEL {environment}",
                    ExitCode.NOT_FOUND,
                )
            if wanted is None:
                raise CommandError(
                    f"ModelTag {tag.metadata.key} has no model before {tag.spec.model or 'the current one'}; "
                    f"name one: kubectl rasa promote MODEL {environment}",
                    ExitCode.NOT_FOUND,
                )
            await promote_to(written, target, tag, wanted, Following(until if wait else None, timeout))

    execute(command())
