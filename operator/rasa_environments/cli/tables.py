"""The output of `status`: tables for people, lines for a pipe, plain data for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic.alias_generators import to_camel
from rich.console import Console, Group, RenderableType

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import ConditionStatus
from rasa_environments.cli.layout import Cell, Column, Note, Table
from rasa_environments.cli.overview import EnvironmentRow, Overview, Row, ServerRow, TagRow, age
from rasa_environments.cli.visible_text import visible

STYLES: dict[ConditionStatus, str] = {"True": "green", "False": "red", "Unknown": "yellow"}
MARK = "yellow"
NOT_CHECKED: dict[ConditionStatus, str] = {"True": "not checked", "False": "none"}
"""Text if no model is known to be served: unchecked pods count as serving (ServedUnchecked), or there is none."""
WIDE = 4096
"""Columns without a terminal, so that nothing is truncated or wrapped in a pipe."""
NAMED = 5
"""Names that a note lists; the tables have all."""


def console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal, or as wide as necessary without one; it prints text as it is."""
    terminal = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if terminal.is_terminal:
        return terminal
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=WIDE, soft_wrap=True)


def drawn(shown: Overview, now: datetime, scope: str | None) -> RenderableType:
    """Return the tables of a namespace, or of all, each followed by why its rows are not ready."""
    if not shown.rows:
        where = f"in namespace {scope} (-A shows all)" if scope else "in any namespace"
        return f"no environment found {where}; create one: kubectl apply -f FILE"
    parts: list[RenderableType] = []
    for table, rows in (
        (environment_table(shown.environments, now), shown.environments),
        (tag_table(shown.tags, now), shown.tags),
        (server_table(shown.servers, now), shown.servers),
    ):
        if rows:
            parts += [*([""] if parts else []), table if scope else with_namespaces(table, rows)]
            parts += notes(rows, namespaces=scope is None)
    return Group(*parts)


def with_namespaces(table: Table, rows: Sequence[Row]) -> Table:
    """Return the table with the namespace of each row."""
    return Table(
        (Column("NAMESPACE"), *table.columns),
        [(Cell(row.namespace), *cells) for row, cells in zip(rows, table.rows, strict=True)],
    )


def environment_table(rows: Sequence[EnvironmentRow], now: datetime) -> Table:
    """Return the environments."""
    actions = any(row.actions for row in rows)
    marked = any(row.marks for row in rows)
    columns = (
        Column("ENVIRONMENT"),
        _tag_column(rows),
        Column("WANTED"),
        Column("SERVED"),
        *([Column("ACTIONS", leaves=3)] if actions else []),
        Column("READY"),
        *([Column("NOTES", leaves=4)] if marked else []),
        Column("URL", leaves=1),
        Column("AGE", leaves=2),
    )
    return Table(
        columns,
        [
            (
                Cell(row.name),
                Cell(row.tag),
                _known(row.wanted),
                _served(row),
                *([_known(row.actions)] if actions else []),
                _truth(row.ready),
                *([_marks(row.marks)] if marked else []),
                _known(row.url),
                Cell(age(row.created, now)),
            )
            for row in rows
        ],
    )


def tag_table(rows: Sequence[TagRow], now: datetime) -> Table:
    """Return the model tags."""
    # Where models come from, and which is next, is shown only if something is promoted on its own or waits.
    pipeline = any(row.source or row.waits_for for row in rows)
    columns = (
        Column("MODEL TAG"),
        _tag_column(rows),
        Column("MODEL"),
        *([Column("NEXT"), Column("FROM", leaves=4)] if pipeline else []),
        Column("TAGGED", leaves=6),
        Column("SERVED", leaves=7),
        Column("READY"),
        Column("PREVIOUS", leaves=2),
        Column("PROMOTED", leaves=3),
        Column("AGE", leaves=1),
    )
    return Table(
        columns,
        [
            (
                Cell(row.name),
                Cell(row.tag),
                _known(row.model),
                *([_known(row.candidate), _known(row.source)] if pipeline else []),
                _truth(row.tagged),
                _truth(row.served),
                _truth(row.ready),
                _known(row.previous),
                _known(_promoted(row, now)),
                Cell(age(row.created, now)),
            )
            for row in rows
        ],
    )


def server_table(rows: Sequence[ServerRow], now: datetime) -> Table:
    """Return the model servers."""
    marked = any(row.marks for row in rows)
    columns = (
        Column("MODEL SERVER"),
        Column("PROFILE", leaves=4),
        Column("VERSION", leaves=3),
        Column("MODELS", leaves=6),
        Column("ENVIRONMENTS", leaves=7),
        Column("READY"),
        *([Column("NOTES", leaves=5)] if marked else []),
        Column("URL", leaves=1),
        Column("AGE", leaves=2),
    )
    return Table(
        columns,
        [
            (
                Cell(row.name),
                Cell(row.profile),
                _known(row.version),
                _known(_count(row.models)),
                _known(_count(row.environments)),
                _truth(row.ready),
                *([_marks(row.marks)] if marked else []),
                Cell(row.url),
                Cell(age(row.created, now)),
            )
            for row in rows
        ],
    )


def notes(rows: Iterable[Row], *, namespaces: bool) -> list[Note]:
    """Return what there is to say of the rows, each text once: of what is wrong, of what waits, of what is missing."""
    subjects: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for style, text in _remarks(row):
            subjects.setdefault((style, text), []).append(f"{row.namespace}/{row.name}" if namespaces else row.name)
    return [Note(_listed(names), text, style) for (style, text), names in subjects.items()]


def _remarks(row: Row) -> Iterator[tuple[str, str]]:
    """Yield the style and text of each remark on a row."""
    if row.ready != "True":
        yield STYLES[row.ready], ": ".join(filter(None, (row.reason, row.message))) or "for an unknown reason"
    if isinstance(row, TagRow) and row.waits_for and row.waits_for not in (row.message or ""):
        yield MARK, row.waits_for
    if isinstance(row, EnvironmentRow) and row.unregistered:
        yield MARK, f"not registered: {row.unregistered}"
    if isinstance(row, EnvironmentRow) and row.forgetful:
        yield MARK, row.forgetful
    if isinstance(row, ServerRow) and row.read_only:
        yield MARK, row.read_only


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:NAMED])} and {more} more"


def as_document(shown: Overview) -> JsonObject:
    """Return the rows for programs, with the names of their fields as in the API: `promotedBy`."""
    return {
        "environments": [_fields(row) for row in shown.environments],
        "tags": [_fields(row) for row in shown.tags],
        "servers": [_fields(row) for row in shown.servers],
        "unread": list(shown.unread),
    }


def _fields(row: Row) -> JsonObject:
    return {to_camel(field): value for field, value in asdict(row).items()}


def line(row: Row) -> str:
    """Return a row as a line, for a log of changes."""
    return visible(_described(row))


def _described(row: Row) -> str:
    name = f"{row.namespace}/{row.name}"
    why = "" if row.ready == "True" else f" ({row.reason}: {row.message})"
    if isinstance(row, EnvironmentRow):
        facts = f"tag={row.tag} wanted={row.wanted or '-'} served={_served(row).text}"
        facts += f" actions={row.actions}" if row.actions else ""
        notes = f" notes={','.join(row.marks)}" if row.marks else ""
        return f"environment {name} {facts} ready={row.ready}{notes}{why}"
    if isinstance(row, ServerRow):
        return f"model server {name} url={row.url} version={row.version or '-'} ready={row.ready}{why}"
    following = f" next={row.candidate} ({row.waits_for})" if row.candidate and row.waits_for else ""
    facts = f"tag={row.tag} model={row.model}{following} tagged={row.tagged} served={row.served}"
    return f"model tag {name} {facts} ready={row.ready}{why}"


def _tag_column(rows: Sequence[EnvironmentRow | TagRow]) -> Column:
    """Return the column of the tags, which may leave if it repeats the names."""
    return Column("TAG", leaves=5 if all(row.tag == row.name for row in rows) else 0)


def _promoted(row: TagRow, now: datetime) -> str | None:
    """Return when the tag was set on its model, and by whom if known."""
    if row.promoted_at is None:
        return None
    ago = f"{age(row.promoted_at, now)} ago"
    return f"{ago} by {row.promoted_by}" if row.promoted_by else ago


def _count(number: int | None) -> str | None:
    return None if number is None else str(number)


def _known(value: str | None) -> Cell:
    return Cell(value) if value else Cell("-", "dim")


def _marks(marks: Sequence[str]) -> Cell:
    return Cell(", ".join(marks), MARK) if marks else Cell("")


def _truth(truth: ConditionStatus) -> Cell:
    return Cell(truth, STYLES[truth])


def _served(row: EnvironmentRow) -> Cell:
    """Return the served model; a model of an earlier answer only is marked as unknown."""
    if row.serves_wanted == "Unknown":
        last = f"unknown (last: {row.served})" if row.served else "unknown"
        return Cell(last if row.wanted or row.served else "-", STYLES["Unknown"])
    return Cell(row.served or NOT_CHECKED[row.serves_wanted], STYLES[row.serves_wanted])
