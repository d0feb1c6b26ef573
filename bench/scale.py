"""Many environments: how soon, in how much memory, and what the next one and a restart take with them there.

The peer in Go makes as many, on a cluster of its own: what its figures are on this machine says what to make of ours.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

from bench import manifests
from bench.calibration import SILENCE, furnish
from bench.cluster import ENVIRONMENTS, USER, BenchCluster, wait_until
from bench.contenders import Contender, Operator, Running
from bench.creation import Created, create
from bench.figures import percentile, spread
from bench.measures import Measure
from bench.metrics import passes
from bench.models import Models
from local.progress import ELLIPSIS, Progress

STEPS = (100, 300, 1000)
LARGEST = 3000
SINGLES = 20
REST_SECONDS = 300.0
"""The longest interval at which the operator does something by itself, except for --resync-interval."""
NAMESPACE = "scale"


@dataclass(frozen=True)
class Restarted:
    """What a start takes with all environments there: seconds until each was reconciled, and writes until then."""

    count: int
    seconds: float
    writes: int
    resident_bytes: int


@dataclass(frozen=True)
class Climb:
    """What it took to come to many environments, and to one more."""

    steps: list[Created]
    """What was created to come to each total."""
    singles: list[float]
    """Seconds from the request that creates one more environment to the answer to the one that creates its
    Deployment."""


@dataclass(frozen=True)
class Scaled:
    """All figures of the operator's run."""

    totals: list[int]
    climb: Climb
    rest_percent: float
    """CPU time at rest, in percent of a core."""
    restarted: Restarted


def scale_run(cluster: BenchCluster, models: Models, totals: list[int], progress: Progress) -> Scaled:
    """Create environments step by step up to the last total; then one by one, at rest, and after a restart."""
    furnish(cluster, models, NAMESPACE)
    with Operator().running(cluster) as running:
        climbed = climb(cluster, running, totals, progress)
        progress(f"at rest for {REST_SECONDS:.0f} s {ELLIPSIS}")
        rest = cpu_at_rest(running)
    restarted = restart(cluster, totals[-1] + SINGLES)
    progress(f"restarted: all are checked after {restarted.seconds:.1f} s, {restarted.writes} writes")
    return Scaled(totals, climbed, rest, restarted)


def peer_climb(cluster: BenchCluster, models: Models, peer: Contender, totals: list[int], progress: Progress) -> Climb:
    """Return what the peer takes up to the last total, and for one more."""
    furnish(cluster, models, NAMESPACE)
    with peer.running(cluster) as running:
        return climb(cluster, running, totals, progress)


def climb(cluster: BenchCluster, running: Running, totals: list[int], progress: Progress) -> Climb:
    """Create environments step by step up to the last total, then one by one; return when nothing is left to do."""
    steps: list[Created] = []
    for before, total in zip([0, *totals], totals, strict=False):
        progress(f"from {before} to {total} environments {ELLIPSIS}")
        steps.append(create(cluster, running, NAMESPACE, manifests.environments(total - before, before + 1)))
        progress(f"{total} environments: {total - before} in {steps[-1].seconds:.1f} s")
    singles = [one_more(cluster, f"single-{number}") for number in range(SINGLES)]
    progress(f"one more with {totals[-1]} there: {median(singles) * 1000:.0f} ms")
    cluster.audit.wait_for_silence(cluster.audit.end(), USER, SILENCE)
    return Climb(steps, singles)


def one_more(cluster: BenchCluster, name: str) -> float:
    """Seconds from the creation of one more environment to the creation of its Deployment."""
    start = cluster.audit.end()
    began = time.time()
    cluster.create(ENVIRONMENTS, NAMESPACE, manifests.environment(name))
    answered: list[float] = []

    def deployed() -> bool:
        answered.extend(
            request.answered
            for request in cluster.audit.requests(start, USER)
            if (request.kind, request.name) == ("create deployments", f"{name}-rasa")
        )
        return bool(answered)

    wait_until(deployed, f"the Deployment of {name}", every=0.1)
    return answered[0] - began


def cpu_at_rest(running: Running) -> float:
    """CPU time that the operator takes while nothing happens, in percent of a core."""
    before, began = running.usage(), time.monotonic()
    time.sleep(REST_SECONDS)
    return (running.usage().cpu_seconds - before.cpu_seconds) / (time.monotonic() - began) * 100


def restart(cluster: BenchCluster, count: int) -> Restarted:
    """Start the operator with so many environments there."""
    start = cluster.audit.end()
    began = time.monotonic()
    with Operator().running(cluster) as running:
        url = running.url or ""
        wait_until(lambda: passes(url, "DeploymentEnvironment") >= count, f"{count} environments to be checked")
        seconds = time.monotonic() - began
        cluster.audit.wait_for_silence(start, USER, SILENCE)
        writes = sum(request.writes for request in cluster.audit.requests(start, USER))
        return Restarted(count, seconds, writes, running.usage().resident_bytes)


def scale_measures(scaled: Scaled, peer: Climb) -> list[Measure]:
    """Return the rows of the table."""
    total, climb = scaled.totals[-1], scaled.climb

    def beside(name: str, unit: str, figure: Callable[[Climb], float], must: str) -> Measure:
        return Measure(name, unit, figure(climb), figure(peer), "Go", must)

    return [
        beside(f"environments created per second, up to {total}", "/s", _rate, "37 /s"),
        Measure(f"start with {total} until all are checked", "s", scaled.restarted.seconds, must="2.0 s"),
        Measure("writes during that start", "", scaled.restarted.writes, must="0"),
        Measure(f"memory with {total} environments", "MB", climb.steps[-1].resident_bytes / 1e6, must="115 MB"),
        Measure("memory after that start", "MB", scaled.restarted.resident_bytes / 1e6, must="120 MB"),
        Measure(f"CPU at rest with {total}", "% of a core", scaled.rest_percent, must="0.05 % of a core"),
        beside(f"one more with {total}: to its Deployment, p50", "ms", partial(_single, percent=50), "31 ms"),
        beside(f"one more with {total}: to its Deployment, max", "ms", partial(_single, percent=100), "48 ms"),
        beside(f"operator CPU for each on the way to {total}", "ms", lambda climb: _cpu_milliseconds(climb)[-1], "1.3"),
        Measure(
            f"milliseconds for each, up to {_steps(scaled, _milliseconds)}: spread",
            "%",
            spread(_milliseconds(climb)) * 100,
            must="20 %",
        ),
        Measure(
            f"of these CPU of the operator, {_steps(scaled, _cpu_milliseconds)}: spread",
            "%",
            spread(_cpu_milliseconds(climb)) * 100,
            must="20 %",
        ),
    ]


def _rate(climb: Climb) -> float:
    return climb.steps[-1].count / climb.steps[-1].seconds


def _single(climb: Climb, percent: float) -> float:
    """Return the percentile of one more environment, in milliseconds."""
    return percentile([each * 1000 for each in climb.singles], percent)


def _milliseconds(climb: Climb) -> list[float]:
    """Return how long each environment took, by step."""
    return [step.seconds / step.count * 1000 for step in climb.steps]


def _cpu_milliseconds(climb: Climb) -> list[float]:
    return [step.cpu_milliseconds_each for step in climb.steps]


def _steps(scaled: Scaled, figures: Callable[[Climb], list[float]]) -> str:
    steps = zip(scaled.totals, figures(scaled.climb), strict=True)
    return ", ".join(f"{total}: {figure:.1f}" for total, figure in steps)


def scale_figures(scaled: Scaled, peer: Climb) -> dict[str, Any]:
    """Return the figures behind the rows."""
    return {"ours": asdict(scaled), "Go": asdict(peer)}
