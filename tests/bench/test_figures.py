"""Percentiles and spreads."""

from __future__ import annotations

import pytest

from bench.figures import percentile, spread


def test_a_percentile_is_one_of_the_figures() -> None:
    figures = [5.0, 1.0, 4.0, 2.0, 3.0]

    assert [percentile(figures, percent) for percent in (1, 50, 60, 99, 100)] == [1.0, 3.0, 3.0, 5.0, 5.0]


def test_a_spread_is_how_far_the_largest_is_above_the_smallest() -> None:
    assert spread([2.0, 2.5, 2.2]) == pytest.approx(0.25)


@pytest.mark.parametrize("figures", [[], [0.0, 1.0]])
def test_there_is_no_spread_without_figures_or_of_nothing(figures: list[float]) -> None:
    with pytest.raises(ValueError, match="spread"):
        spread(figures)
