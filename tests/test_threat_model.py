"""Each claim of the pages on security names a test, and each test that they name exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from local.installation import ROOT
from tests.named_tests import names_of_tests_in

TESTS = ROOT / "tests"
EXPLANATION = ROOT / "docs" / "explanation"
PAGES = (EXPLANATION / "security.md", EXPLANATION / "promotion-permission.md")
PROOF = "proof"
"""Title of the column of a table that names tests."""
NAMED = re.compile(r"`(?P<file>\w+(?:/\w+)*\.py)?::(?P<test>test_\w+)`")
"""A test as the pages name it: without a file, it is in the file named before."""


def named_tests(text: str) -> list[tuple[str, str]]:
    """Return the tests that a text names: their file below tests/, and their name."""
    found: list[tuple[str, str]] = []
    for match in NAMED.finditer(text):
        file = match["file"] or (found[-1][0] if found else "")
        found.append((file, match["test"]))
    return found


def cells(line: str) -> list[str]:
    """Return the cells of a table row."""
    return [cell.strip() for cell in line.strip()[1:-1].split("|")]


def claims(text: str) -> Iterator[tuple[str, str]]:
    """Yield each row of the tables with a proof column: its claim, and the content of that column."""
    column: int | None = None
    before = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            column = None
        elif set(line) <= set("|- "):
            titles = cells(before)
            column = titles.index(PROOF) if PROOF in titles else None
        elif column is not None:
            row = cells(line)
            yield row[0], row[column] if column < len(row) else ""
        before = line


def missing(named: Iterable[tuple[str, str]]) -> list[str]:
    """Return those of the tests that do not exist."""
    return [f"{file}::{test}" for file, test in named if test not in names_of_tests_in(TESTS / file)]


def pages(values: Iterable[Path] = PAGES) -> pytest.MarkDecorator:
    """Parametrize a test by page."""
    return pytest.mark.parametrize("page", values, ids=lambda page: page.stem)


@pages()
def test_each_claim_names_a_test(page: Path) -> None:
    found = list(claims(page.read_text()))

    assert len(found) > 20
    assert [claim for claim, proof in found if not named_tests(proof)] == []


@pages()
def test_each_test_that_is_named_exists(page: Path) -> None:
    assert missing(named_tests(page.read_text())) == []


@pages()
def test_whatever_looks_like_a_test_is_named_with_its_function(page: Path) -> None:
    rest = re.sub(r"`tests/[\w./]*`", "", NAMED.sub("", page.read_text()))

    assert re.findall(r"\S*test_\w+\S*", rest) == []


def test_a_claim_without_a_test_is_found() -> None:
    table = (
        "| claim | proof | so |\n|---|---|---|\n| proven | `judge/test_x.py::test_y` | |\n| bold | | so |\n"
        "\n| a | b |\n|---|---|\n| c | d |\n"
    )

    assert [claim for claim, proof in claims(table) if not named_tests(proof)] == ["bold"]


def test_a_test_that_does_not_exist_is_found() -> None:
    named = named_tests("`test_threat_model.py::test_no_such`, `::test_each_claim_names_a_test`, `no/file.py::test_x`")

    assert missing(named) == ["test_threat_model.py::test_no_such", "no/file.py::test_x"]
