"""The output of `status`: tables for people, lines for a pipe, plain data for programs."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import asdict
from datetime import datetime

from pydantic.alias_generators import to_camel
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import ConditionStatus
from rasa_environments.cli.overview import EnvironmentRow, Overview, TagRow, age

STYLES: dict[ConditionStatus, str] = {"True": "green", "False": "red", "Unknown": "yellow"}
NOT_CHECKED: dict[ConditionStatus, str] = {"True": "not checked", "False": "none"}
"""Text if no model is known to be served: unchecked pods count as serving (ServedUnchecked), or there is none."""
WIDE = 4096
"""Columns without a terminal, so that nothing is truncated or wrapped in a pipe."""


def console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal, or as wide as necessary without one; it prints text as it is."""
    terminal = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if terminal.is_terminal:
        return terminal
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=WIDE, soft_wrap=True)


def drawn(shown: Overview, now: datetime, *, namespaces: bool) -> RenderableType:
    """Return both tables, each followed by why its rows are not ready."""
    actions = ("ACTIONS",) if any(row.actions for row in shown.environments) else ()
    parts: list[RenderableType] = [
        _table(
            ("ENVIRONMENT", "TAG", "WANTED", "SERVED", *actions, "READY", "URL", "AGE"),
            [(row.namespace, _environment_cells(row, now, actions=bool(actions))) for row in shown.environments],
            namespaces=namespaces,
        ),
        *_reasons(shown.environments),
    ]
    if shown.tags:
        # Where models come from, and which is next, is shown only if something is promoted on its own or waits.
        pipeline = any(row.source or row.waits_for for row in shown.tags)
        columns = ("TAG", "MODEL", *(("NEXT", "FROM") if pipeline else ()), "TAGGED", "SERVED", "READY", "PREVIOUS")
        parts += [
            Text(),
            _table(
                ("MODEL TAG", *columns, "PROMOTED", "AGE"),
                [(row.namespace, _tag_cells(row, now, pipeline=pipeline)) for row in shown.tags],
                namespaces=namespaces,
            ),
            *_reasons(shown.tags),
        ]
    return Group(*parts)


def as_document(shown: Overview) -> JsonObject:
    """Return the rows for programs, with the names of their fields as in the API: `promotedBy`."""
    return {
        kind: [{to_camel(field): value for field, value in row.items()} for row in rows]
        for kind, rows in asdict(shown).items()
    }


def line(row: EnvironmentRow | TagRow) -> str:
    """Return a row as a line, for a log of changes."""
    name = f"{row.namespace}/{row.name}"
    why = "" if row.ready == "True" else f" ({row.reason}: {row.message})"
    if isinstance(row, EnvironmentRow):
        facts = f"tag={row.tag} wanted={row.wanted or '-'} served={_served(row)}"
        facts += f" actions={row.actions}" if row.actions else ""
        return f"environment {name} {facts} ready={row.ready}{why}"
    following = f" next={row.candidate} ({row.waits_for})" if row.candidate and row.waits_for else ""
    facts = f"tag={row.tag} model={row.model}{following} tagged={row.tagged} served={row.served}"
    return f"model tag {name} {facts} ready={row.ready}{why}"


def empty_table(columns: Iterable[str], whole: Container[str] = ()) -> Table:
    """Return a table as kubectl prints them, without rows; the cells of `whole` columns are never wrapped."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    return table


def _table(columns: tuple[str, ...], rows: list[tuple[str, list[Text]]], *, namespaces: bool) -> Table:
    table = empty_table(("NAMESPACE", *columns) if namespaces else columns)
    for namespace, cells in rows:
        table.add_row(*([Text(namespace), *cells] if namespaces else cells))
    return table


def _environment_cells(row: EnvironmentRow, now: datetime, *, actions: bool) -> list[Text]:
    return [
        Text(row.name),
        Text(row.tag),
        _known(row.wanted),
        _served(row),
        *([_known(row.actions)] if actions else []),
        _ready(row.ready, row.reason),
        _known(row.url),
        Text(age(row.created, now)),
    ]


def _tag_cells(row: TagRow, now: datetime, *, pipeline: bool) -> list[Text]:
    return [
        Text(row.name),
        Text(row.tag),
        Text(row.model),
        *([_known(row.candidate), _known(row.source)] if pipeline else []),
        Text(row.tagged, STYLES[row.tagged]),
        Text(row.served, STYLES[row.served]),
        _ready(row.ready, row.reason),
        _known(row.previous),
        _known(_promoted(row, now)),
        Text(age(row.created, now)),
    ]


def _promoted(row: TagRow, now: datetime) -> str | None:
    """Return when the tag was set on its model, and by whom if known."""
    if row.promoted_at is None:
        return None
    ago = f"{age(row.promoted_at, now)} ago"
    return f"{ago} by {row.promoted_by}" if row.promoted_by else ago


def _known(value: str | None) -> Text:
    return Text(value) if value else Text("-", "dim")


def _served(row: EnvironmentRow) -> Text:
    """Return the served model; a model of an earlier answer only is marked as unknown."""
    if row.serves_wanted == "Unknown":
        last = f"unknown (last: {row.served})" if row.served else "unknown"
        return Text(last if row.wanted or row.served else "-", STYLES["Unknown"])
    return Text(row.served or NOT_CHECKED[row.serves_wanted], STYLES[row.serves_wanted])


def _ready(ready: ConditionStatus, reason: str | None) -> Text:
    return Text(ready if ready == "True" or not reason else f"{ready} ({reason})", STYLES[ready])


def _reasons(rows: Iterable[EnvironmentRow | TagRow]) -> list[Text]:
    """Return a line for each row that is not ready, and each environment that is unregistered or forgets users."""
    lines = []
    for row in rows:
        if row.ready != "True" and row.message:
            lines.append(Text.assemble((f"  {row.name}: ", STYLES[row.ready]), row.message))
        if isinstance(row, TagRow) and row.waits_for and row.waits_for not in (row.message or ""):
            lines.append(Text.assemble((f"  {row.name}: ", "yellow"), row.waits_for))
        if isinstance(row, EnvironmentRow) and row.unregistered:
            lines.append(Text.assemble((f"  {row.name}: ", "yellow"), f"not registered: {row.unregistered}"))
        if isinstance(row, EnvironmentRow) and row.forgetful:
            lines.append(Text.assemble((f"  {row.name}: ", "yellow"), row.forgetful))
    return lines
