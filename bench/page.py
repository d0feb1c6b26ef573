"""docs/performance.md, made of the figures that are kept."""

from collections.abc import Iterable, Iterator, Mapping

from bench.measures import Measure, Measured

TITLES = {
    "creation": "New environments",
    "scale": "Many environments",
    "shards": "Two operators",
    "tags": "Promotions",
    "model_server": "The model server",
}
INTRODUCTION = """\
# Performance

`make bench` takes these figures and writes this page. Where there is a peer, both sides ran on one machine in turns,
and the ratio is what to trust: it changes little from one machine to the next, unlike seconds. What `must` says is a
ratio where it has no unit; where it has one, it was set on a faster machine, on which the peer took 4.8 s for 250
environments, and 6.2 ms of CPU for each. The peer in Go is `bench/peer`: the same five children and the same status, by
controller-runtime with 16 workers and no limit on its requests. Before anything is measured, one environment by each
is compared field by field; a difference ends the run. Python is that of `.venv`: where it is installed, Debian's, as in
the image.
"""
REPRODUCE = """\
## Reproduce

```sh
make bench                                      # everything; writes build/bench/results.json
make bench ARGS='--only creation --rounds 5'    # one area, more rounds
make bench ARGS='--write-docs'                  # and this page
```

It wants Linux, Python 3.11 and Go, no cluster: it starts etcd, kube-apiserver and kube-controller-manager itself, on
loopback. There are no nodes, so that pods are created and stay Pending: nobody else takes the processor. Leave the
machine alone meanwhile. nginx is compared where it is installed.

How far one operator goes, and when to run several, is in [How far it scales](scale.md).
"""


QUIET_LOAD = 1.0
BUSY = " Other programs were at work: seconds and rates are worse than those of a quiet machine."
CHARTS = "performance"
"""The folder of the charts, beside the page."""


def page(areas: Mapping[str, Measured], charts: Mapping[str, Iterable[str]]) -> str:
    """Return the page, with one section for each area; `charts` are the names of those that each area has."""
    sections = ["\n".join(_section(area, areas[area], charts.get(area, ()))) for area in TITLES if area in areas]
    return "\n".join([INTRODUCTION, *sections, REPRODUCE])


def table(measures: list[Measure]) -> list[str]:
    """Return the rows of a table in Markdown, ratios first."""
    peer = next((measure.peer_name for measure in measures if measure.peer_name), "")
    if not peer:
        rows = [f"| {each.name} | {figure(each.ours, each.unit)} | {each.must} |" for each in measures]
        return ["| measure | ours | must |", "|---|---|---|", *rows]
    head = ["| measure | ratio | ours | peer | must |", "|---|---|---|---|---|"]
    return [*head, *map(_row, measures)]


def figure(value: float, unit: str) -> str:
    """Return a figure with three digits that count, and its unit."""
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 3
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return f"{text or '0'} {unit}".strip()


def _row(measure: Measure) -> str:
    ratio = "" if measure.ratio is None else f"**{measure.ratio:.2f}**"
    peer = "" if measure.peer is None else f"{figure(measure.peer, measure.unit)} ({measure.peer_name})"
    return f"| {measure.name} | {ratio} | {figure(measure.ours, measure.unit)} | {peer} | {measure.must} |"


def _section(area: str, measured: Measured, charts: Iterable[str]) -> Iterator[str]:
    yield f"## {TITLES[area]}\n"
    yield from table(list(measured.measures))
    machine = measured.machine
    busy = BUSY if machine.load > QUIET_LOAD else ""
    yield (
        f"\n{measured.method} On {machine.cores} cores ({machine.processor}) with {machine.memory_gibibytes} GiB,"
        f" Python {machine.python}; load average {machine.load:.1f} at the start.{busy}\n"
    )
    for name in charts:
        yield f"![{name.replace('-', ': ')}]({CHARTS}/{name}.svg)\n"
