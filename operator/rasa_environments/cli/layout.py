"""Tables as kubectl prints them. A name is never cut or wrapped: where there is no room, other columns give way."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment

from rasa_environments.cli.visible_text import visible

GAP: Final = "   "
"""Between two columns, as kubectl prints it."""
INDENT: Final = "  "
NARROWEST: Final = 24
"""Characters to which a column that wraps is made narrower, before other columns leave."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text, and its style for a terminal."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    heading: str
    leaves: int = 0
    """Its place in the order in which columns are left out of a table that is too wide; 0: it never is."""
    wraps: bool = False
    """Whether its text is continued on the next line, between words; for the last column."""


Line: TypeAlias = Sequence[Cell]
"""The pieces of a line, printed one after the other."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in columns, as wide as they are given room when printed."""

    columns: Sequence[Column]
    rows: Sequence[Line]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the table."""
        return segments(console, table_lines(self.columns, self.rows, options.max_width))


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph under a table: `  subject: text`."""

    subject: str
    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the paragraph."""
        return segments(console, note_lines(self, options.max_width))


def segments(console: Console, lines: Iterable[Line]) -> Iterator[Segment]:
    """Yield the lines as the console prints them, in as few pieces as possible: there may be thousands."""
    styles = {"": None}
    for line in lines:
        plain: list[str] = []
        for cell in line:
            if not cell.style:
                plain.append(cell.text)
                continue
            yield Segment("".join(plain))
            plain.clear()
            if cell.style not in styles:
                styles[cell.style] = console.get_style(cell.style)  # type: ignore[assignment]
            yield Segment(cell.text, styles[cell.style])
        yield Segment("".join(plain).rstrip() + "\n")


def table_lines(columns: Sequence[Column], rows: Sequence[Line], width: int) -> Iterator[Line]:
    """Yield the table, without the columns for which there is no room.

    Where not even the others have room, a row takes several lines: the first cell, and under it the other cells with
    their headings. A cell that is wider than `width` is alone on its line, which the terminal wraps.
    """
    cells = [[Cell(visible(cell.text), cell.style) for cell in row] for row in rows]
    widths = [
        max((cell_len(cell.text) for cell in column), default=0)
        for column in zip([Cell(column.heading) for column in columns], *cells, strict=True)
    ]
    shown = _that_fit(columns, widths, width)
    if shown is None:
        yield from _records(columns, cells, width)
        return
    places = [widths[place] for place in shown]
    if columns[shown[-1]].wraps:
        places[-1] = min(places[-1], max(NARROWEST, width - _total(places[:-1]) - len(GAP)))
    bold = [Cell(columns[place].heading, "bold") for place in shown]
    for row in (bold, *([row[place] for place in shown] for row in cells)):
        for part in _wrapped(row, places[-1]) if cell_len(row[-1].text) > places[-1] else (row,):
            yield _aligned(part, places)


def _that_fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int] | None:
    """Return the places of the columns to show; None if not even those fit that never leave."""
    shown = list(range(len(columns)))
    needed = [min(own, NARROWEST) if column.wraps else own for column, own in zip(columns, widths, strict=True)]
    leaving = sorted((place for place in shown if columns[place].leaves), key=lambda place: columns[place].leaves)
    while _total([needed[place] for place in shown]) > width:
        if not leaving:
            return None
        shown.remove(leaving.pop(0))
    return shown


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _aligned(row: Line, widths: Sequence[int]) -> Line:
    line: list[Cell] = []
    for cell, width in zip(row, widths, strict=True):
        line += (cell, Cell(" " * (width - cell_len(cell.text)) + GAP))
    return line[:-1]


def _wrapped(row: Line, width: int) -> Iterator[Line]:
    """Yield the row with its last cell continued on further lines; words stay whole."""
    *others, last = row
    for text in textwrap.wrap(last.text, width, break_long_words=False, break_on_hyphens=False):
        yield (*others, Cell(text, last.style))
        others = [Cell("") for _ in others]


def _records(columns: Sequence[Column], rows: Iterable[Line], width: int) -> Iterator[Line]:
    """Yield each row as lines of `HEADING cell`, with as many on a line as fit."""
    for row in rows:
        yield (Cell(f"{columns[0].heading} ", "bold"), row[0])
        line, used = [Cell(INDENT)], len(INDENT)
        for column, cell in zip(columns[1:], row[1:], strict=True):
            needed = len(column.heading) + 1 + cell_len(cell.text)
            if len(line) > 1 and used + len(GAP) + needed > width:
                yield line
                line, used = [Cell(INDENT)], len(INDENT)
            gap = GAP if len(line) > 1 else ""
            line += (Cell(f"{gap}{column.heading} "), cell)
            used += len(gap) + needed
        yield line


def note_lines(note: Note, width: int) -> Iterator[Line]:
    """Yield the paragraph, broken between words; a word that is wider than `width` stays whole."""
    subject = f"{visible(note.subject)}: "
    lines = textwrap.wrap(
        subject + visible(note.text),
        max(width, len(INDENT) * 2 + 1),
        initial_indent=INDENT,
        subsequent_indent=INDENT * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    first = f"{INDENT}{subject}"
    for number, line in enumerate(lines):
        if number == 0 and line.startswith(first.rstrip()):
            yield (Cell(first.rstrip(), note.style), Cell(line[len(first.rstrip()) :]))
        else:
            yield (Cell(line),)
