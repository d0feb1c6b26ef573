"""`status`: which model each environment wants and serves, and why not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.access import Session, parsed, session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import execute
from rasa_environments.cli.following import Followed, followed
from rasa_environments.cli.output import Output, OutputFormat, name_of, show
from rasa_environments.cli.overview import EnvironmentRow, Overview, TagRow, overview
from rasa_environments.cli.tables import as_document, console, drawn, line
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "every environment and model tag that is shown is Ready",
    ExitCode.FAILED: f"one of them is not Ready; {UNREACHABLE}",
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "there are no environments and no model tags",
    ExitCode.UNKNOWN: "whether one of them is Ready is unknown, and none is known not to be",
}
AGES_SECONDS = 5.0
"""Seconds between two updates of a live table without changes, for its ages."""


def status(
    where: ClusterOptions,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep running, and show every change.")] = False,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces.")] = False,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Show which model each environment wants and serves, and why one is not ready."""
    if watch and output is not OutputFormat.TEXT:
        raise typer.BadParameter(f"--watch cannot be combined with --output {output}; leave one of them out")

    async def command() -> None:
        async with session(where, namespace) as connected:
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
            if sys.stdout.isatty():
                await draw_changes(connected, scope)
            else:
                await print_changes(connected, scope)

    execute(command())


async def looked(connected: Session, scope: str | None) -> Overview:
    """Return the overview of a namespace, or of all."""
    environments, tags = await asyncio.gather(
        connected.client.list(DEPLOYMENT_ENVIRONMENTS, scope), connected.client.list(MODEL_TAGS, scope)
    )
    return overview(
        (parsed(DeploymentEnvironment, item) for item in environments.items),
        (parsed(ModelTag, item) for item in tags.items),
    )


def verdict_on(seen: Overview) -> ExitCode:
    """Return the exit code; Unknown does not count as Ready, nor does an empty overview."""
    found = {row.ready for row in seen.environments} | {row.ready for row in seen.tags}
    if not found:
        return ExitCode.NOT_FOUND
    if "False" in found:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if "Unknown" in found else ExitCode.DONE


def shown(seen: Overview, scope: str | None) -> RenderableType:
    """Return the overview for people."""
    if seen.environments or seen.tags:
        return drawn(seen, datetime.now(UTC), namespaces=scope is None)
    where = f"in namespace {scope} (-A shows all)" if scope else "in any namespace"
    return f"no environment found {where}; create one: kubectl apply -f FILE"


def names(seen: Overview) -> Iterator[str]:
    """Yield the names of all objects, as `kubectl get -o name` prints them."""
    yield from (name_of(DEPLOYMENT_ENVIRONMENTS, row.name) for row in seen.environments)
    yield from (name_of(MODEL_TAGS, row.name) for row in seen.tags)


async def draw_changes(connected: Session, scope: str | None) -> None:
    """Draw a live table, updated with every change."""
    with Live(console=console(), auto_refresh=False) as live:
        async with followed(connected.client, (scope,) if scope else ()) as following:
            while True:
                seen = overview(following.lister.environments, following.lister.tags)
                live.update(drawn(seen, datetime.now(UTC), namespaces=scope is None), refresh=True)
                await change_or_pause(following)


async def change_or_pause(following: Followed) -> None:
    """Wait for the next change, or until the ages need an update."""
    try:
        await asyncio.wait_for(following.change(), AGES_SECONDS)
    except TimeoutError:
        return


async def print_changes(connected: Session, scope: str | None) -> None:
    """Print one line for each object, and one for each of its changes."""
    async with followed(connected.client, (scope,) if scope else ()) as following:
        async for changed in changes(following):
            sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {changed}\n")
            sys.stdout.flush()


async def changes(following: Followed) -> AsyncIterator[str]:
    """Yield a line for each row that is new or has changed, and for each that is gone."""
    known: dict[tuple[str, str, str], EnvironmentRow | TagRow] = {}
    while True:
        now = rows_by_name(overview(following.lister.environments, following.lister.tags))
        for key, row in now.items():
            if known.get(key) != row:
                yield line(row)
        for kind, namespace, name in known.keys() - now.keys():
            yield f"{kind} {namespace}/{name} is gone"
        known = now
        await following.change()


def rows_by_name(seen: Overview) -> dict[tuple[str, str, str], EnvironmentRow | TagRow]:
    """Return the rows by type, namespace and name."""
    rows: dict[tuple[str, str, str], EnvironmentRow | TagRow] = {}
    for environment in seen.environments:
        rows["environment", environment.namespace, environment.name] = environment
    for tag in seen.tags:
        rows["model tag", tag.namespace, tag.name] = tag
    return rows
