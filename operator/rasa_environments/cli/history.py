"""`history`: which models an environment's tag had, since when, and why."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_environments.api.model_tag import HistoryEntry
from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.layout import Cell, Column, Table
from rasa_environments.cli.output import Output, OutputFormat, show
from rasa_environments.cli.target import Environment, environment_and_tag

EXIT_CODES = {
    ExitCode.DONE: "the history is shown",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or its tag has no history",
}


def history(
    environment: Environment,
    where: ClusterOptions,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Show which models an environment's tag had, the latest first: since when, who promoted them, and why.

    The number of a model is what `rollback --to` takes. As JSON and YAML, these are the entries of `status.history` of
    the ModelTag; `-o name` prints the names of the models.
    """

    async def command() -> None:
        async with session(where, namespace) as connected:
            target, tag = await environment_and_tag(connected, environment)
        entries = (tag.status.history if tag is not None else None) or ()
        if not entries:
            raise CommandError(
                f"no history is known of the tag {target.tag} of environment {target.metadata.key}: promote a model, "
                f"for example by kubectl rasa promote MODEL {environment}",
                ExitCode.NOT_FOUND,
            )
        show(
            output,
            text=lambda: drawn(entries),
            document=lambda: [entry.model_dump(by_alias=True, exclude_none=True) for entry in entries],
            names=(entry.model for entry in entries),
        )

    execute(command())


def drawn(entries: Sequence[HistoryEntry]) -> Table:
    """Return the table of a history."""
    columns = (
        Column("NUMBER"),
        Column("MODEL"),
        Column("TAGGED", leaves=2),
        Column("BY", leaves=3),
        Column("WHY", leaves=1),
    )
    return Table(
        columns,
        [
            (
                Cell(str(number)),
                Cell(entry.model),
                Cell(entry.tagged_time),
                Cell(entry.promoted_by) if entry.promoted_by else Cell("-", "dim"),
                Cell(", ".join(filter(None, (entry.cause, entry.message))) or "-"),
            )
            for number, entry in enumerate(entries)
        ],
    )
