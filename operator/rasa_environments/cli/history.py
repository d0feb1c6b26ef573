"""`history`: which models an environment's tag had, since when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import HistoryEntry, ModelTagStatus
from rasa_environments.api.verification import RejectedModel
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

    The number of a model is what `rollback --to` takes; a model that was rejected has none. As JSON and YAML, these are
    the entries of `status.history` of the ModelTag and, of rejected models, of `status.rejected`; `-o name` prints the
    names of the models that had the tag.
    """

    async def command() -> None:
        async with session(where, namespace) as connected:
            target, tag = await environment_and_tag(connected, environment)
        events = () if tag is None else events_of(tag.status)
        if not events:
            raise CommandError(
                f"no history is known of the tag {target.tag} of environment {target.metadata.key}: promote a model, "
                f"for example by kubectl rasa promote MODEL {environment}",
                ExitCode.NOT_FOUND,
            )
        show(
            output,
            text=lambda: drawn(events),
            document=lambda: [event.entry.model_dump(by_alias=True, exclude_none=True) for event in events],
            names=(event.entry.model for event in events if isinstance(event.entry, HistoryEntry)),
        )

    execute(command())


@dataclass(frozen=True)
class Event:
    """A model that got the tag, or one that was rejected."""

    time: str
    number: int | None
    """Its number in the history, None for a rejected model, which no rollback can go to."""
    entry: HistoryEntry | RejectedModel

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The cells of its row."""
        entry = self.entry
        if isinstance(entry, RejectedModel):
            return "-", entry.name, self.time, "verification", f"{entry.reason}, {entry.message}"
        live = {"Succeeded": "passed live", "Failed": "failed live", None: None}[entry.live_verification]
        why = ", ".join(filter(None, (entry.cause, entry.message, live)))
        return str(self.number), entry.model, self.time, entry.promoted_by or "-", why or "-"


def events_of(status: ModelTagStatus) -> tuple[Event, ...]:
    """Return what happened to the tag, the latest first.

    The message of a rejection is known as long as that is in force; that a model was rejected is known longer.
    """
    had = [Event(entry.tagged_time, number, entry) for number, entry in enumerate(status.history or ())]
    known = {
        (each.name, each.hash, each.completion_time): RejectedModel(
            name=each.name,
            hash=each.hash,
            reason=Reason.MODEL_REJECTED,
            message="failed its verification",
            rejected_time=each.completion_time,
        )
        for each in status.verifications or ()
        if each.result == "Failed" and each.completion_time is not None
    }
    known |= {(each.name, each.hash, each.rejected_time): each for each in status.rejected or ()}
    rejected = [Event(each.rejected_time, None, each) for each in known.values()]
    return tuple(sorted((*had, *rejected), key=lambda event: event.time, reverse=True))


def drawn(events: Sequence[Event]) -> Table:
    """Return the table of a history."""
    columns = (
        Column("NUMBER"),
        Column("MODEL"),
        Column("TIME", leaves=2),
        Column("BY", leaves=3),
        Column("WHY", leaves=1, wraps=True),
    )
    return Table(
        columns,
        [tuple(Cell(cell, "dim") if cell == "-" else Cell(cell) for cell in event.cells) for event in events],
    )
