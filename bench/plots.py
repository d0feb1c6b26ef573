"""Small bar charts as SVG: one bar for each figure, drawn without a library."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

WIDTH, ROW, LABEL, MARGIN = 640, 26, 230, 90
COLOURS = {"ours": "#4269d0", "Go": "#9c9c9c", "nginx": "#9c9c9c"}
OTHER = "#4269d0"


def bar_chart(title: str, bars: Sequence[tuple[str, float]], unit: str) -> str:
    """Return an SVG image with a bar for each label and figure, the largest as long as there is room.

    Raises ValueError where there is no figure above 0.
    """
    longest = max((value for _, value in bars), default=0.0)
    if longest <= 0:
        raise ValueError(f"{title}: a chart takes figures above 0")
    height = ROW * (len(bars) + 1) + 10
    rows = [
        _row(position, label, value, (WIDTH - LABEL - MARGIN) * max(value, 0) / longest, unit)
        for position, (label, value) in enumerate(bars, start=1)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"',
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _row(position: int, label: str, value: float, length: float, unit: str) -> str:
    top = ROW * position + 4
    colour = next((colour for name, colour in COLOURS.items() if label.startswith(name)), OTHER)
    return (
        f'<text x="8" y="{top + 15}">{escape(label)}</text>'
        f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="20" fill="{colour}"/>'
        f'<text x="{LABEL + length + 6:.1f}" y="{top + 15}">{value:.3g} {escape(unit)}</text>'
    )


def write_charts(directory: Path, charts: dict[str, str]) -> None:
    """Write each chart into a file of its name."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, chart in charts.items():
        (directory / f"{name}.svg").write_text(chart)
