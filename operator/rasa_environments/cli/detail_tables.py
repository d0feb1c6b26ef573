"""The output of `status NAME`: tables for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.detail import Detail, shortened
from rasa_environments.cli.layout import Cell, Column, Line, Note, Table
from rasa_environments.cli.overview import age
from rasa_environments.cli.pod_models import PodModel
from rasa_environments.cli.tables import MARK, STYLES, environment_table, notes, server_table, tag_table

WRONG_IF_TRUE = frozenset({"Reconciling", "Stalled"})


def drawn(shown: Detail, now: datetime) -> RenderableType:
    """Return the environment, and what belongs to it, in tables."""
    parts: list[RenderableType] = []
    for table in _tables(shown, now):
        parts += [*([""] if parts else []), table]
    remarks = notes(shown.overview.rows, namespaces=False)
    unread = [Note("not shown", text, MARK) for text in shown.unread]
    return Group(*parts, *([""] if remarks or unread else []), *remarks, *unread)


def as_document(shown: Detail) -> JsonObject:
    """Return it for programs, with the names of its fields as in the API."""
    return {to_camel(name): _plain(value) for name, value in asdict(shown).items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {to_camel(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _tables(shown: Detail, now: datetime) -> Iterator[Table]:
    yield environment_table((shown.environment,), now)
    if shown.conditions:
        yield condition_table(shown, now)
    if shown.served:
        rows = [(Cell(each.model), Cell(str(each.pods))) for each in shown.served]
        yield Table((Column("SERVED MODEL"), Column("PODS")), rows)
    if shown.pods:
        yield pod_table(shown, now)
    if shown.tag is not None:
        yield tag_table((shown.tag,), now)
    if shown.server is not None:
        yield server_table((shown.server,), now)
    if shown.events:
        yield event_table(shown, now)


def condition_table(shown: Detail, now: datetime) -> Table:
    """Return the conditions, as the operator lists them."""
    columns = (
        Column("CONDITION"),
        Column("STATUS"),
        Column("REASON", leaves=2),
        Column("SINCE", leaves=1),
        Column("MESSAGE", wraps=True),
    )
    return Table(
        columns,
        [
            (
                Cell(each.type),
                Cell(each.status, "" if each.type in WRONG_IF_TRUE else STYLES[each.status]),
                Cell(each.reason),
                Cell(age(each.last_transition_time, now)),
                Cell(shortened(each.message)),
            )
            for each in shown.conditions
        ],
    )


def pod_table(shown: Detail, now: datetime) -> Table:
    """Return the pods."""
    columns = (
        Column("POD"),
        Column("READY"),
        Column("SERVES"),
        Column("RESTARTS", leaves=2),
        Column("AGE", leaves=1),
        Column("STATE", wraps=True),
    )
    rows: list[Line] = [
        (
            Cell(pod.name),
            Cell(str(pod.ready), STYLES["True" if pod.ready else "False"]),
            _served_cell(pod.served),
            Cell(str(pod.restarts)),
            Cell(age(pod.created, now)),
            Cell(pod.state),
        )
        for pod in shown.pods
    ]
    if shown.further_pods:
        rows.append((Cell(f"and {shown.further_pods} more"), *(Cell("") for _ in columns[1:])))
    return Table(columns, rows)


def _served_cell(served: PodModel | None) -> Cell:
    return Cell("-") if served is None else Cell(served.described, STYLES[served.serves_wanted])


def event_table(shown: Detail, now: datetime) -> Table:
    """Return the Events, the latest first."""
    columns = (Column("EVENT"), Column("TYPE", leaves=1), Column("AGE"), Column("NOTE", wraps=True))
    return Table(
        columns,
        [
            (
                Cell(each.reason),
                Cell(each.type, MARK if each.type == "Warning" else ""),
                Cell(age(each.time, now)),
                Cell(each.note),
            )
            for each in shown.events
        ],
    )
