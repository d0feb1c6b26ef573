"""The page of figures, and the file that keeps them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.measures import Measure, Measured, keep, kept
from bench.page import figure, page, table
from bench.process_usage import Machine

MACHINE = Machine(cores=2, processor="Fast One", memory_gibibytes=24, load=0.25, python="3.11.2")
CREATION = Measured([Measure("250 environments", "s", 6.4, 4.0, "Go", "1.2")], MACHINE, "Medians of 3 rounds.")


def test_the_ratio_comes_first() -> None:
    assert table(list(CREATION.measures))[-1] == "| 250 environments | **1.60** | 6.4 s | 4 s (Go) | 1.2 |"


def test_without_a_peer_there_are_no_columns_for_one() -> None:
    rows = table([Measure("pull checks", "/s", 3123.4, must="3000")])

    assert rows[0] == "| measure | ours | must |"
    assert rows[-1] == "| pull checks | 3123 /s | 3000 |"


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.0213, "0.021"), (4, "4"), (6.444, "6.44"), (31.26, "31.3"), (1234.5, "1234")]
)
def test_a_figure_has_the_digits_that_count(value: float, shown: str) -> None:
    assert figure(value, "") == shown


def test_the_page_says_on_what_kind_of_machine_and_how_to_reproduce() -> None:
    text = page({"creation": CREATION}, {"creation": ["creation-cpu"]})

    assert "On 2 cores (Fast One) with 24 GiB, Python 3.11.2; load average 0.2 at the start." in text
    assert "make bench" in text
    assert "![creation: cpu](performance/creation-cpu.svg)" in text


def test_figures_of_a_busy_machine_are_said_to_be_so() -> None:
    busy = replace(CREATION, machine=replace(MACHINE, load=3.0))

    assert "Other programs were at work" in page({"creation": busy}, {})
    assert "Other programs were at work" not in page({"creation": CREATION}, {})


def test_an_area_that_was_measured_again_replaces_its_figures_alone(tmp_path: Path) -> None:
    path = tmp_path / "bench" / "results.json"
    keep(path, {"creation": CREATION, "scale": CREATION})

    keep(path, {"scale": Measured([], MACHINE, "None.")})

    assert kept(path) == {"creation": CREATION, "scale": Measured([], MACHINE, "None.")}
