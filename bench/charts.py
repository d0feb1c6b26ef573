"""The charts of docs/performance.md, made of the figures that are kept."""

from collections.abc import Mapping

from bench.measures import Measured
from bench.plots import bar_chart


def charts(areas: Mapping[str, Measured]) -> dict[str, dict[str, str]]:
    """Return the charts of each area that was measured, by area and name."""
    drawn: dict[str, dict[str, str]] = {}
    if "creation" in areas:
        drawn["creation"] = _creation(areas["creation"])
    if "scale" in areas:
        drawn["scale"] = _scale(areas["scale"])
    return drawn


def _creation(measured: Measured) -> dict[str, str]:
    rounds = [
        (f"{side}, round {number}", each)
        for side, rounds in measured.figures.items()
        for number, each in enumerate(rounds, start=1)
    ]
    count = rounds[0][1]["count"]
    seconds = [(label, each["seconds"]) for label, each in rounds]
    cpu = [(label, each["cpu_seconds"] / each["count"] * 1000) for label, each in rounds]
    return {
        "creation-seconds": bar_chart(f"Seconds until the children of {count} environments exist", seconds, "s"),
        "creation-cpu": bar_chart("CPU time of the operator for each environment", cpu, "ms"),
    }


def _scale(measured: Measured) -> dict[str, str]:
    ours = measured.figures["ours"]
    steps = list(zip(ours["totals"], ours["climb"]["steps"], strict=True))
    each = [(f"up to {total} environments", step["cpu_seconds"] / step["count"] * 1000) for total, step in steps]
    memory = [(f"{total} environments", step["resident_bytes"] / 1e6) for total, step in steps]
    return {
        "scale-cpu": bar_chart("CPU time of the operator for each environment", each, "ms"),
        "scale-memory": bar_chart("Resident memory", memory, "MB"),
    }
