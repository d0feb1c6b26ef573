"""`status -w`: a live table, or a line for each change."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

from rich.live import Live

from rasa_environments.cli.access import Session
from rasa_environments.cli.following import Followed, followed
from rasa_environments.cli.output import note_unread
from rasa_environments.cli.overview import Overview, Row, overview
from rasa_environments.cli.tables import console, drawn, line
from rasa_environments.cluster.resources import MODEL_SERVERS

AGES_SECONDS = 5.0
"""Seconds between two updates of a live table without changes, for its ages."""


async def show_changes(connected: Session, scope: str | None) -> None:
    """Draw a live table as long as the terminal has room for all of its rows; else print a line for each change.

    ModelServers are left out if they may not be listed.
    """
    unread: list[str] = []
    await connected.listed(MODEL_SERVERS, scope, unread)
    note_unread(unread)
    async with followed(connected.client, (scope,) if scope else (), servers=not unread) as following:
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
            table = drawn(looked_at(following), datetime.now(UTC), scope)
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
