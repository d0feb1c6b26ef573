"""`freeze`: stops all promotions on a model server, or lets them go on."""

from __future__ import annotations

from typing import Annotated

import typer

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import execute
from rasa_environments.cli.output import Output, OutputFormat
from rasa_environments.cli.writing import DryRun, DryRunOption, writes_of
from rasa_environments.cluster.resources import MODEL_SERVERS

EXIT_CODES = {
    ExitCode.DONE: "promotions are stopped, or go on",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the ModelServer does not exist",
}

Server = Annotated[str, typer.Argument(help="Name of the ModelServer.")]
Reason = Annotated[str | None, typer.Option(help="Why; shown to everybody whose promotion waits.", show_default=False)]
Until = Annotated[
    str | None, typer.Option(help="When it ends, for example 2026-01-02T09:00:00Z.", show_default="until --end")
]
End = Annotated[bool, typer.Option("--end", help="End the freeze.")]


def freeze(
    where: ClusterOptions,
    model_server: Server = "default",
    reason: Reason = None,
    until: Until = None,
    end: End = False,
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Stop all promotions on a model server; rollbacks to a model that a tag had before go on.

    As JSON and YAML, it prints the ModelServer.
    """
    if end == (reason is not None):
        raise typer.BadParameter("give either --reason TEXT, to freeze, or --end")

    async def command() -> None:
        async with writes_of(where, namespace, dry_run, output) as written:
            found = await written.connected.get(ModelServer, MODEL_SERVERS, model_server)
            change: JsonObject = {"spec": {"freeze": wanted(reason, until)}}
            changed = await written.patch(MODEL_SERVERS, found.metadata.key, change)
            ends = f"until {until}" if until else "until kubectl rasa freeze --end"
            done = "is not frozen any more" if end else f"is frozen {ends}: {reason}"
            written.say(f"ModelServer {found.metadata.key} {done}")
            written.show(MODEL_SERVERS, changed)

    execute(command())


def wanted(reason: str | None, until: str | None) -> JsonObject | None:
    """Return the freeze as a merge patch, which takes an earlier end away; None removes it."""
    return None if reason is None else {"reason": reason, "endTime": until}
