"""`status`: which model each environment wants and serves, why not, and whether all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from rasa_environments.cli.access import Session, parsed, session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import execute
from rasa_environments.cli.output import Output, OutputFormat, name_of, note_unread, show
from rasa_environments.cli.overview import Overview, overview
from rasa_environments.cli.partial import PartialEnvironment, PartialServer, PartialTag
from rasa_environments.cli.tables import as_document, drawn
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "every environment, model tag and model server that is shown is Ready; standard error names what "
    "you may not list, and is not shown",
    ExitCode.FAILED: f"one of them is not Ready; {UNREACHABLE}",
    ExitCode.REFUSED: f"{NOT_PERMITTED}; you may not list environments",
    ExitCode.NOT_FOUND: "there are no environments, model tags and model servers; or no environment NAME",
    ExitCode.UNKNOWN: "whether one is Ready is unknown, for example since it is suspended; none is known not to be",
}
Name = Annotated[str | None, typer.Argument(help="Name of a DeploymentEnvironment.", show_default="an overview of all")]


def status(
    where: ClusterOptions,
    name: Name = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep running, and show every change.")] = False,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces.")] = False,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Show which model each environment wants and serves, and why one is not ready.

    With NAME, show one environment in depth: its conditions, what each pod serves, tag, model server and latest Events.
    """
    if name is not None and (watch or all_namespaces):
        raise typer.BadParameter("--watch and --all-namespaces show all environments; leave NAME out")
    if watch and output is not OutputFormat.TEXT:
        raise typer.BadParameter(f"--watch cannot be combined with --output {output}; leave one of them out")

    async def command() -> None:
        async with session(where, namespace) as connected:
            if name is not None:
                from rasa_environments.cli.detail_reading import show_detail  # noqa: PLC0415 - reads whole objects

                raise typer.Exit(verdict_on(await show_detail(connected, name, output)))
            scope = None if all_namespaces else connected.namespace
            if watch:
                from rasa_environments.cli.changes import show_changes  # noqa: PLC0415 - likewise

                await show_changes(connected, scope)
                return
            seen = await looked(connected, scope)
            note_unread(seen.unread)
            show(
                output,
                text=lambda: drawn(seen, datetime.now(UTC), scope),
                document=lambda: as_document(seen),
                names=names(seen),
            )
            raise typer.Exit(verdict_on(seen))

    execute(command())


async def looked(connected: Session, scope: str | None) -> Overview:
    """Return the overview of a namespace, or of all, without the tags and model servers that may not be listed."""
    unread: list[str] = []
    environments, tags, servers = await asyncio.gather(
        connected.client.list(DEPLOYMENT_ENVIRONMENTS, scope),
        connected.listed(MODEL_TAGS, scope, unread),
        connected.listed(MODEL_SERVERS, scope, unread),
    )
    return overview(
        (parsed(PartialEnvironment, item) for item in environments.items),
        (parsed(PartialTag, item) for item in tags),
        (parsed(PartialServer, item) for item in servers),
        sorted(unread),
    )


def verdict_on(seen: Overview) -> ExitCode:
    """Return the exit code; Unknown does not count as Ready, nor does an empty overview."""
    found = {row.ready for row in seen.rows}
    if not found:
        return ExitCode.NOT_FOUND
    if "False" in found:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if "Unknown" in found else ExitCode.DONE


def names(seen: Overview) -> Iterator[str]:
    """Yield the names of all objects, as `kubectl get -o name` prints them."""
    yield from (name_of(DEPLOYMENT_ENVIRONMENTS, row.name) for row in seen.environments)
    yield from (name_of(MODEL_TAGS, row.name) for row in seen.tags)
    yield from (name_of(MODEL_SERVERS, row.name) for row in seen.servers)
