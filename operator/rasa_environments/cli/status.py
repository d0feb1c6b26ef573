"""`status`: which model each environment wants and serves, why not, and whether all is well."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli import detail_tables
from rasa_environments.cli.access import Session, parsed, session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.detail_reading import detail_of
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import execute
from rasa_environments.cli.following import Followed, followed
from rasa_environments.cli.output import Output, OutputFormat, name_of, show
from rasa_environments.cli.overview import Overview, Row, overview
from rasa_environments.cli.tables import as_document, console, drawn, line
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "every environment, model tag and model server that is shown is Ready",
    ExitCode.FAILED: f"one of them is not Ready; {UNREACHABLE}",
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "there are no environments, model tags and model servers; or no environment NAME",
    ExitCode.UNKNOWN: "whether one is Ready is unknown, for example since it is suspended; none is known not to be",
}
Name = Annotated[str | None, typer.Argument(help="Name of a DeploymentEnvironment.", show_default="an overview of all")]
AGES_SECONDS = 5.0
"""Seconds between two updates of a live table without changes, for its ages."""


def status(
    where: ClusterOptions,
    name: Name = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep running, and show every change.")] = False,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces.")] = False,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Show which model each environment wants and serves, and why one is not ready.

    With NAME, show one environment in depth: its conditions, pods, tag, model server and latest Events.
    """
    if name is not None and (watch or all_namespaces):
        raise typer.BadParameter("--watch and --all-namespaces show all environments; leave NAME out")
    if watch and output is not OutputFormat.TEXT:
        raise typer.BadParameter(f"--watch cannot be combined with --output {output}; leave one of them out")

    async def command() -> None:
        async with session(where, namespace) as connected:
            if name is not None:
                raise typer.Exit(await show_one(connected, name, output))
            scope = None if all_namespaces else connected.namespace
            seen = await looked(connected, scope)
            if not watch:
                show(
                    output,
                    text=lambda: shown(seen, scope),
                    document=lambda: as_document(seen),
                    names=names(seen),
                )
                raise typer.Exit(verdict_on(seen))
            await show_changes(connected, scope)

    execute(command())


async def show_one(connected: Session, name: str, output: OutputFormat) -> ExitCode:
    """Print one environment in depth, and return whether all is well with it."""
    found = await detail_of(connected, name)
    show(
        output,
        text=lambda: detail_tables.drawn(found, datetime.now(UTC)),
        document=lambda: detail_tables.as_document(found),
        names=[name_of(DEPLOYMENT_ENVIRONMENTS, name)],
    )
    return verdict_on(found.overview)


async def looked(connected: Session, scope: str | None) -> Overview:
    """Return the overview of a namespace, or of all."""
    environments, tags, servers = await asyncio.gather(
        connected.client.list(DEPLOYMENT_ENVIRONMENTS, scope),
        connected.client.list(MODEL_TAGS, scope),
        connected.client.list(MODEL_SERVERS, scope),
    )
    return overview(
        (parsed(DeploymentEnvironment, item) for item in environments.items),
        (parsed(ModelTag, item) for item in tags.items),
        (parsed(ModelServer, item) for item in servers.items),
    )


def verdict_on(seen: Overview) -> ExitCode:
    """Return the exit code; Unknown does not count as Ready, nor does an empty overview."""
    found = {row.ready for row in seen.rows}
    if not found:
        return ExitCode.NOT_FOUND
    if "False" in found:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if "Unknown" in found else ExitCode.DONE


def shown(seen: Overview, scope: str | None) -> RenderableType:
    """Return the overview for people."""
    if seen.rows:
        return drawn(seen, datetime.now(UTC), namespaces=scope is None)
    where = f"in namespace {scope} (-A shows all)" if scope else "in any namespace"
    return f"no environment found {where}; create one: kubectl apply -f FILE"


def names(seen: Overview) -> Iterator[str]:
    """Yield the names of all objects, as `kubectl get -o name` prints them."""
    yield from (name_of(DEPLOYMENT_ENVIRONMENTS, row.name) for row in seen.environments)
    yield from (name_of(MODEL_TAGS, row.name) for row in seen.tags)
    yield from (name_of(MODEL_SERVERS, row.name) for row in seen.servers)


async def show_changes(connected: Session, scope: str | None) -> None:
    """Draw a live table as long as the terminal has room for all of its rows; else print a line for each change."""
    async with followed(connected.client, (scope,) if scope else (), servers=True) as following:
        if sys.stdout.isatty():
            await draw_changes(following, scope)
        async for changed in changes(following):
            sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {changed}\n")
            sys.stdout.flush()


async def draw_changes(following: Followed, scope: str | None) -> None:
    """Update a table with every change, until it is longer than the terminal."""
    terminal = console()
    with Live(console=terminal, auto_refresh=False) as live:
        while True:
            table = shown(looked_at(following), scope)
            if len(terminal.render_lines(table, pad=False)) >= terminal.height:
                return
            live.update(table, refresh=True)
            await change_or_pause(following)


def looked_at(following: Followed) -> Overview:
    """Return the overview of what is followed."""
    lister = following.lister
    return overview(lister.environments, lister.tags, lister.servers)


async def change_or_pause(following: Followed) -> None:
    """Wait for the next change, or until the ages need an update."""
    with suppress(TimeoutError):
        async with asyncio.timeout(AGES_SECONDS):
            await following.change()


async def changes(following: Followed) -> AsyncIterator[str]:
    """Yield a line for each row, then for each that is new or has changed, and for each that is gone."""
    known: dict[tuple[str, str, str], Row] = {}
    while True:
        now = rows_by_name(looked_at(following))
        for key, row in now.items():
            if known.get(key) != row:
                yield line(row)
        for kind, namespace, name in known.keys() - now.keys():
            yield f"{kind} {namespace}/{name} is gone"
        known = now
        await following.change()


def rows_by_name(seen: Overview) -> dict[tuple[str, str, str], Row]:
    """Return the rows by type, namespace and name."""
    return {
        (kind, row.namespace, row.name): row
        for kind, rows in (
            ("environment", seen.environments),
            ("model tag", seen.tags),
            ("model server", seen.servers),
        )
        for row in rows
    }
