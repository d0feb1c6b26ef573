"""Tables in the width of a terminal: names stay whole."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.cli.layout import Cell, Column, Note, note_lines, table_lines
from rasa_environments.cli.visible_text import visible

COLUMNS = (Column("NAME"), Column("MODEL"), Column("URL", leaves=1), Column("AGE", leaves=2))
ROW = ("production", "20260101-120000", "http://production:5005", "5m")
NAMES = st.text("abcdefghij-0123456789", min_size=1, max_size=120)


def printed(*, columns: tuple[Column, ...] = COLUMNS, row: tuple[str, ...] = ROW, width: int) -> list[str]:
    """The lines of a table with one row."""
    cells = [tuple(Cell(text) for text in row)]
    return ["".join(cell.text for cell in line).rstrip() for line in table_lines(columns, cells, width)]


def test_a_table_that_fits_has_all_columns() -> None:
    assert printed(width=80) == [
        "NAME         MODEL             URL                      AGE",
        "production   20260101-120000   http://production:5005   5m",
    ]


@pytest.mark.parametrize(("width", "headings"), [(59, 4), (58, 3), (34, 3), (33, 2), (28, 2)])
def test_columns_leave_one_after_the_other_where_there_is_no_room(width: int, headings: int) -> None:
    lines = printed(width=width)

    assert len(lines[0].split()) == headings
    assert all(len(line) <= width for line in lines)


def test_a_row_of_names_that_are_too_long_takes_several_lines_and_loses_nothing() -> None:
    assert printed(width=27) == [
        "NAME production",
        "  MODEL 20260101-120000",
        "  URL http://production:5005",
        "  AGE 5m",
    ]


@given(NAMES, NAMES, st.integers(10, 200))
def test_no_name_is_ever_cut_or_broken(name: str, model: str, width: int) -> None:
    lines = printed(row=(name, model, "http://x", "5m"), width=width)

    assert any(name in line.split() for line in lines)
    assert any(model in line.split() for line in lines)


@given(NAMES, NAMES, st.integers(10, 200))
def test_a_line_is_wider_than_the_terminal_only_if_a_single_name_is(name: str, model: str, width: int) -> None:
    lines = printed(row=(name, model, "http://x", "5m"), width=width)

    widest = max(len(f"NAME {name}"), len(f"  MODEL {model}"), len("  URL http://x"))
    assert max(map(len, lines)) <= max(width, widest)


def test_the_last_column_may_continue_on_the_next_line_between_words() -> None:
    columns = (Column("MODEL"), Column("TAGS", wraps=True))
    tags = "production, staging-europe, staging-america"

    assert printed(columns=columns, row=("20260101-120000", tags), width=44) == [
        "MODEL             TAGS",
        "20260101-120000   production,",
        "                  staging-europe,",
        "                  staging-america",
    ]


def test_a_note_is_broken_between_words_and_keeps_names_whole() -> None:
    note = Note("production", "pod production-rasa-5d4f8c7b9-x2x4z serves 20260101-120000", "red")

    lines = ["".join(cell.text for cell in line) for line in note_lines(note, 40)]

    assert lines == ["  production: pod", "    production-rasa-5d4f8c7b9-x2x4z", "    serves 20260101-120000"]


@given(st.text())
def test_text_from_elsewhere_is_one_printable_line(text: str) -> None:
    assert visible(text).isprintable()


@given(st.text(st.characters(codec=None)))
def test_text_from_elsewhere_is_valid_xml(text: str) -> None:
    element = ET.Element("text", {"value": visible(text)})

    assert ET.fromstring(ET.tostring(element)).get("value") == visible(text)


def test_an_escape_sequence_is_shown_instead_of_obeyed() -> None:
    assert visible("a\x1b[2Jb\tc\nd") == r"a\x1b[2Jb c d"
