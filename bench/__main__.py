"""`python -m bench`: measures the project, and its peers in turns with it."""

import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from bench.calibration import calibrated_peer
from bench.charts import charts
from bench.cluster import bench_cluster
from bench.contenders import Operator
from bench.creation import creation_measures, creation_rounds
from bench.measures import Measured, keep, kept
from bench.model_server import CONNECTIONS, LOAD_SECONDS, model_server_figures, model_server_measures
from bench.models import running_models
from bench.options import Options
from bench.page import CHARTS, TITLES, page, table
from bench.plots import write_charts
from bench.process_usage import this_machine
from bench.scale import LARGEST, REST_SECONDS, SINGLES, STEPS, peer_climb, scale_figures, scale_measures, scale_run
from bench.shape import PeerDiffersError
from bench.shards import NAMESPACES, shard_measures, shared_by
from bench.tags import PROMOTIONS, promotions, tag_measures
from local.binaries import BinariesUnavailableError
from local.installation import ROOT
from local.processes import Leash, ProcessFailedError
from local.progress import ConsoleProgress, Progress
from local.simulated import SimulatedCluster

RESULTS = ROOT / "build" / "bench" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
FAILURES = (BinariesUnavailableError, PeerDiffersError, ProcessFailedError, TimeoutError)


class Area(StrEnum):
    """What can be measured by itself."""

    CREATION = "creation"
    SCALE = "scale"
    SHARDS = "shards"
    TAGS = "tags"
    MODEL_SERVER = "model_server"


def creation(options: Options, progress: Progress) -> Measured:
    """Many environments at once, by the operator and by the peer in Go."""
    machine = this_machine()
    with bench_cluster(progress) as cluster, running_models(cluster.directory / "models", cluster.leash) as models:
        peer = calibrated_peer(cluster, models, progress)
        made = creation_rounds(cluster, models, [Operator(), peer], options.count, options.rounds, progress)
    method = (
        f"Medians over rounds: {options.rounds}. A round lasts from the start of kubectl to the answer to the creation"
        f" of the last of {5 * options.count} children, by the API server's audit log; both sides take turns."
    )
    figures = {name: [asdict(created) for created in each] for name, each in made.items()}
    return Measured(creation_measures(made), machine, method, figures)


def scale(options: Options, progress: Progress) -> Measured:
    """Up to a thousand environments, or three thousand, by the operator and by the peer in Go."""
    machine = this_machine()
    totals = [*STEPS, LARGEST] if options.large else [*STEPS]
    with bench_cluster(progress) as cluster, running_models(cluster.directory / "models", cluster.leash) as models:
        scaled = scale_run(cluster, models, totals, progress)
    with bench_cluster(progress) as cluster, running_models(cluster.directory / "models", cluster.leash) as models:
        theirs = peer_climb(cluster, models, calibrated_peer(cluster, models, progress), totals, progress)
    method = (
        f"One run of each side, on a new cluster: up to {totals[-1]} environments in one namespace, then {SINGLES} one"
        f" by one; the operator also {REST_SECONDS:.0f} s at rest, and a start with all of them there. Seconds of a"
        " start include that of Python."
    )
    return Measured(scale_measures(scaled, theirs), machine, method, scale_figures(scaled, theirs))


def shards(options: Options, progress: Progress) -> Measured:
    """Two operators that share the work by namespaces, beside one that does all of it."""
    machine = this_machine()
    count = options.count // 2 * 2
    with bench_cluster(progress) as cluster, running_models(cluster.directory / "models", cluster.leash) as models:
        two = shared_by([Operator(namespace) for namespace in NAMESPACES], cluster, models, count, progress)
        one = shared_by([Operator()], cluster, models, count, progress)
    method = f"One run of each: {count // 2} environments in each of two namespaces, from one `kubectl create -f`."
    return Measured(shard_measures(two, one, count), machine, method, {"two": asdict(two), "one": asdict(one)})


def tags(options: Options, progress: Progress) -> Measured:
    """Promotions, on simulated pods whose Rasa pulls as a real one does."""
    del options
    machine = this_machine()
    with (
        bench_cluster(progress, SimulatedCluster) as cluster,
        running_models(cluster.directory / "models", cluster.leash) as models,
    ):
        promoted = promotions(cluster, models, progress)
    method = (
        f"{PROMOTIONS} promotions of one tag, begun at different moments between two pulls. The pod is simulated; at"
        " its address a stub of Rasa pulls and answers, and loads a model in no time."
    )
    return Measured(tag_measures(promoted), machine, method, asdict(promoted))


def model_server(options: Options, progress: Progress) -> Measured:
    """Measure the model server by itself, without a cluster."""
    machine = this_machine()
    leash = Leash()
    with tempfile.TemporaryDirectory(prefix="rasa-environments-bench-") as directory:
        try:
            figures = model_server_figures(Path(directory), leash, options.rounds, progress)
        finally:
            leash.close()
    method = (
        f"Medians over rounds: {options.rounds}. The server has one core to itself, and whoever asks it the others."
        f" Pulls come on {CONNECTIONS} connections for {LOAD_SECONDS:.0f} s. A ratio of downloads is one of rates."
    )
    if not figures.nginx_downloads:
        method += " nginx was not installed, so that there is no ratio."
    return Measured(model_server_measures(figures), machine, method, asdict(figures))


AREAS: dict[Area, Callable[[Options, Progress], Measured]] = {
    Area.CREATION: creation,
    Area.SCALE: scale,
    Area.SHARDS: shards,
    Area.TAGS: tags,
    Area.MODEL_SERVER: model_server,
}


def bench(
    only: Annotated[
        list[Area] | None, typer.Option(help="Measure this area alone; may be given several times.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each side takes its turn.")] = 3,
    count: Annotated[int, typer.Option(min=1, help="How many environments are created at once.")] = 250,
    large: Annotated[bool, typer.Option("--large", help="Go on to 3000 environments.")] = False,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Write docs/performance.md from what is kept.")
    ] = False,
) -> None:
    """Measure the project and its peers, print the ratios, and keep the figures in build/bench/results.json."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = Options(rounds, count, large)
    with ConsoleProgress() as progress:
        for area in only or list(Area):
            progress(f"{area}: {TITLES[area].lower()}")
            measured = AREAS[area](options, progress)
            keep(RESULTS, {area: measured})
            progress.close()
            Console().print(Markdown("\n".join(table(list(measured.measures)))))
    if write_docs:
        areas = kept(RESULTS)
        drawn = charts(areas)
        for each in drawn.values():
            write_charts(PAGE.parent / CHARTS, each)
        PAGE.write_text(page(areas, drawn))


def main() -> None:
    """Run the command line; an error that a person can put right ends it with one message."""
    try:
        typer.run(bench)
    except FAILURES as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
