"""Bar charts."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bench.plots import bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_their_figures() -> None:
    chart = ET.fromstring(bar_chart("Seconds", [("ours", 6.0), ("Go", 3.0)], "s"))

    _, ours, theirs = chart.iter(f"{SVG}rect")
    assert float(ours.attrib["width"]) == 2 * float(theirs.attrib["width"])
    assert ours.attrib["fill"] != theirs.attrib["fill"]


def test_a_bar_tells_its_figure_and_what_it_is_of() -> None:
    chart = ET.fromstring(bar_chart("CPU <each>", [("ours, round 1", 9.75)], "ms"))

    assert [text.text for text in chart.iter(f"{SVG}text")] == ["CPU <each>", "ours, round 1", "9.75 ms"]


def test_there_is_no_chart_of_nothing() -> None:
    with pytest.raises(ValueError, match="Seconds"):
        bar_chart("Seconds", [], "s")
